"""HTTP around the endpoints: limits, authentication, strict JSON, problem documents, the OpenAPI document."""
