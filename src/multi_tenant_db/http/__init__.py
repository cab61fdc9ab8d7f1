"""What surrounds every endpoint: limits, authentication, strict JSON, problem documents, the OpenAPI document."""
