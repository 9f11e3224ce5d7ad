# photos-sync in a container.
#
#   docker build -t photos-sync .
#   docker run -d --restart unless-stopped -p 5000:5000 --memory 512m \
#       -e PHOTOS_SYNC_URL=nas.local -e PHOTOS_SYNC_USERNAME=frame -e PHOTOS_SYNC_ALBUM=kitchen-dash \
#       -e PHOTOS_SYNC_PASSWORD_FILE=/run/secrets/password \
#       -v "$PWD/frame-password:/run/secrets/password:ro" -v photos-sync:/var/lib/photos-sync photos-sync
#
# For an account with a second factor (2FA), once and before that: the same with "run -it --rm" in place of
# "run -d --restart unless-stopped", without -p, and with --enrol at its end.
#
# The password file has to be readable by user 10001. To try it out without a NAS: docker run -p 5000:5000 photos-sync --demo

FROM python:3.13-slim AS build
# armv7 has no wheel of tornado: it is compiled here, and the compiler stays behind.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev
COPY . /source
RUN python -m venv /opt/photos-sync && /opt/photos-sync/bin/pip install --no-cache-dir '/source[images]'

FROM python:3.13-slim
COPY --from=build /opt/photos-sync /opt/photos-sync
RUN install -d -m 700 -o 10001 -g 10001 /var/lib/photos-sync
ENV PHOTOS_SYNC_STATE_DIR=/var/lib/photos-sync
VOLUME /var/lib/photos-sync
USER 10001:10001
EXPOSE 5000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=60s --timeout=5s --start-period=10s \
    CMD ["/opt/photos-sync/bin/python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5000/healthz', timeout=4)"]
ENTRYPOINT ["/opt/photos-sync/bin/photos-sync"]
