// PostGraphile 5 on the peers' table, with its Amber preset. The variable comes from the request through pgSettings.

import cluster from "node:cluster";
import { createServer } from "node:http";
import { grafserv } from "postgraphile/grafserv/node";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const { BENCH_DATABASE_URL, BENCH_POOL_SIZE, BENCH_PORT, BENCH_WORKERS } = process.env;

if (cluster.isPrimary && Number(BENCH_WORKERS) > 1) {
  for (let n = 0; n < Number(BENCH_WORKERS); n += 1) cluster.fork();
} else {
  const preset = {
    extends: [PostGraphileAmberPreset],
    pgServices: [
      makePgService({
        connectionString: BENCH_DATABASE_URL,
        poolConfig: { max: Number(BENCH_POOL_SIZE) },
        schemas: ["plain"],
      }),
    ],
    grafserv: { graphqlPath: "/graphql", graphiql: false, watch: false },
    grafast: {
      explain: false,
      context: (details) => ({
        pgSettings: { "app.current_tenant": details.node?.req.headers["x-tenant-id"] },
      }),
    },
  };
  const serv = postgraphile(preset).createServ(grafserv);
  const server = createServer();
  await serv.addTo(server);
  server.listen(Number(BENCH_PORT), "127.0.0.1");
}
