# The service in a container: `mtdb serve` as a user without rights. PostgreSQL is elsewhere, see docker-compose.yml.
# It writes nothing but sockets for its metrics under /tmp: run it with --read-only --tmpfs /tmp.
ARG PYTHON=python:3.13.12-slim-bookworm

FROM ${PYTHON} AS build
WORKDIR /build
COPY requirements.lock scripts/build.lock ./
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --no-cache-dir --require-hashes -r requirements.lock \
    && pip install --no-cache-dir --require-hashes -r build.lock
COPY pyproject.toml README.md ./
COPY src src
COPY migrations migrations
COPY scripts/create_roles.sql scripts/
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir wheels . \
    && pip --python /opt/venv/bin/python install --no-cache-dir --no-deps wheels/*.whl

FROM ${PYTHON}
RUN useradd --system --uid 10001 --no-create-home mtdb
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MTDB_HOST=0.0.0.0
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('MTDB_PORT', '8000') + '/health')"]
CMD ["mtdb", "serve"]
