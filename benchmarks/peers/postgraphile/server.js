// PostGraphile 4 on the peers' table. The variable comes from the request through pgSettings, as its manual shows.

const cluster = require("node:cluster");
const http = require("node:http");
const { Pool } = require("pg");
const { postgraphile } = require("postgraphile");

const { BENCH_DATABASE_URL, BENCH_POOL_SIZE, BENCH_PORT, BENCH_WORKERS } = process.env;

if (cluster.isPrimary && Number(BENCH_WORKERS) > 1) {
  for (let n = 0; n < Number(BENCH_WORKERS); n += 1) cluster.fork();
} else {
  const pool = new Pool({ connectionString: BENCH_DATABASE_URL, max: Number(BENCH_POOL_SIZE) });
  const options = {
    pgSettings: (request) => ({ "app.current_tenant": request.headers["x-tenant-id"] }),
    dynamicJson: true,
    disableQueryLog: true,
    graphiql: false,
  };
  http.createServer(postgraphile(pool, "plain", options)).listen(Number(BENCH_PORT), "127.0.0.1");
}
