// A day at the bank, by a client that openapi-typescript made of the document: types that fit, and answers that fit them.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Tenant = components["schemas"]["TenantRead"];
type Code = components["schemas"]["Problem"]["code"];

const as = (token: string | undefined) =>
  createClient<paths>({ baseUrl: process.env.URL ?? "", headers: { Authorization: `Bearer ${token ?? ""}` } });
const hsbc = as(process.env.PARENT);
const london = as(process.env.SUBSIDIARY);
const barclays = as(process.env.STRANGER);
const parent_tenant_id = process.env.PARENT_ID ?? "";

const metadata = { country: "MT", nested: { list: [1, "two", null, true] } };
const created = await hsbc.POST("/tenants", {
  params: { header: { "Idempotency-Key": "a-day-in-typescript" } },
  body: { name: "HSBC Malta", tenant_type: "subsidiary", parent_tenant_id, metadata },
});
if (!created.data) throw new Error(created.error.detail);
const malta: Tenant = created.data;
const path = { tenant_id: malta.tenant_id };

const seen = await hsbc.GET("/tenants", { params: { query: { limit: 100, tenant_type: "subsidiary" } } });
const own = await london.GET("/tenants");
const foreign = await barclays.GET("/tenants/{tenant_id}", { params: { path } });
const code: Code | undefined = foreign.error?.code;
const wrong = await hsbc.POST("/tenants", { body: { name: " ", tenant_type: "subsidiary", parent_tenant_id } });
const tag = created.response.headers.get("ETag") ?? "";
const renamed = await hsbc.PUT("/tenants/{tenant_id}", {
  params: { path, header: { "If-Match": tag } },
  body: { name: "HSBC Gozo", metadata: {} },
});
const stale = await hsbc.PUT("/tenants/{tenant_id}", {
  params: { path, header: { "If-Match": tag } },
  body: { name: "HSBC Malta", metadata: {} },
});
const deleted = await hsbc.DELETE("/tenants/{tenant_id}", { params: { path } });
const health = await hsbc.GET("/health");

console.log(
  JSON.stringify({
    created: [created.response.status, malta.version, malta.metadata],
    seen: seen.data?.items.some((tenant) => tenant.tenant_id === malta.tenant_id),
    own: own.data?.items.length,
    foreign: [foreign.response.status, code],
    wrong: [wrong.response.status, wrong.error?.errors?.map((error) => error.pointer)],
    renamed: [renamed.response.status, renamed.data?.name],
    stale: [stale.response.status, stale.error?.code],
    deleted: deleted.response.status,
    health: health.data?.status,
  }),
);
