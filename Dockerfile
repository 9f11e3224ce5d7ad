# photos-sync in a container: see "In Docker" in README.md, and compose.yaml.

# The tag, and the image it stood for when this was written; Dependabot proposes newer ones.
FROM python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS build
# On armv7 there are no wheels of tornado and Pillow: they are compiled here, and the compiler stays behind.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev libjpeg62-turbo-dev zlib1g-dev
COPY . /source
RUN python -m venv /opt/photos-sync && /opt/photos-sync/bin/pip install --no-cache-dir "/source[images,json-logs]"

FROM python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b
LABEL org.opencontainers.image.title="photos-sync" \
      org.opencontainers.image.description="The picture URL for a Synology Photos album" \
      org.opencontainers.image.licenses="MIT"
RUN apt-get update && apt-get install -y --no-install-recommends libjpeg62-turbo && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/photos-sync /opt/photos-sync
RUN install -d -m 700 -o 10001 -g 10001 /var/lib/photos-sync
ENV PHOTOS_SYNC_STATE_DIR=/var/lib/photos-sync
VOLUME /var/lib/photos-sync
USER 10001:10001
EXPOSE 5000
STOPSIGNAL SIGTERM
# /healthz answers whatever base path, name or token is set; port and TLS are looked up where the service finds them.
HEALTHCHECK --interval=60s --timeout=10s --start-period=30s CMD ["/opt/photos-sync/bin/python", "-c", "\
import http.client, os, ssl\n\
port = os.environ.get('PHOTOS_SYNC_SERVER_PORT') or 5000\n\
if os.environ.get('PHOTOS_SYNC_TLS_CERT'):\n\
    connection = http.client.HTTPSConnection('127.0.0.1', port, timeout=8, context=ssl._create_unverified_context())\n\
else:\n\
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=8)\n\
connection.request('GET', '/healthz')\n\
raise SystemExit(connection.getresponse().status != 200)\n\
"]
ENTRYPOINT ["/opt/photos-sync/bin/photos-sync"]
