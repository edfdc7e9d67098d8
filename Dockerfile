# PreviewCloud: operator, bridge and command line in one image. docs/image.md says how it is run.
#
#   docker build -t previewcloud/previewcloud .
#
# A base of one's own, or pinned by digest: --build-arg BASE=debian:bookworm-slim@sha256:…
# Behind a Python index of one's own add --build-arg PIP_INDEX_URL=<its address>; behind a proxy that signs
# with an authority of its own, put that (PEM) beside this file as authorities.pem. Neither leaves the stage that
# installs: what is installed is checked against the hashes in requirements.txt, whoever delivers it.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS runtime
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates git python3 tini \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache \
      /var/log/* /usr/share/doc/* /usr/share/man/* /usr/share/locale/* \
 # Of git, what serves repositories; of Perl, what commands of git are written in that nobody calls here.
 && cd /usr/lib/git-core && rm git-daemon git-http-backend git-http-push git-imap-send git-shell scalar \
 && rm -rf /usr/bin/git-shell /usr/bin/scalar /usr/bin/tini-static \
      /usr/share/perl /usr/lib/*/perl /usr/lib/*/libperl.so.* \
 # Nothing in it runs with more rights than who starts it.
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} +

FROM runtime AS dependencies
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv
WORKDIR /source
COPY requirements.txt requirements-build.txt *.pem ./
ARG PIP_INDEX_URL=
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1
# An environment that builds, and one to be taken along, which holds no installer.
RUN if [ -n "$PIP_INDEX_URL" ]; then export PIP_INDEX_URL; else unset PIP_INDEX_URL; fi \
 && if [ -f authorities.pem ]; then export PIP_CERT="$PWD/authorities.pem"; fi \
 && python3 -m venv /build \
 && python3 -m venv --without-pip /opt/previewcloud \
 && /build/bin/pip install --require-hashes --only-binary :all: -r requirements-build.txt \
 && /build/bin/pip --python /opt/previewcloud/bin/python install --require-hashes --only-binary :all: \
      -r requirements.txt
# What is in the packages and never loaded: MySQL's C library (the driver does without it), Swagger's editor,
# the bytecode of the half of the Kubernetes client that waits for answers.
RUN cd /opt/previewcloud/lib/python3*/site-packages \
 && rm -rf mysql/vendor _mysql_connector.*.so swagger_ui/static/swagger-editor* swagger_ui/static/*-es-* \
 && /opt/previewcloud/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash . \
 && find kubernetes/client -name '*.pyc' -delete \
 && find /opt/previewcloud -exec touch --no-dereference --date @0 {} +

FROM dependencies AS build
COPY pyproject.toml README.md LICENSE ./
COPY cli cli
COPY controller controller
COPY webhook webhook
# Seconds since 1970 of whatever is built: two builds of the same files differ in bytecode alone.
ARG SOURCE_DATE_EPOCH=0
RUN export SOURCE_DATE_EPOCH \
 && /build/bin/pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /wheels . \
 && /build/bin/pip --python /opt/previewcloud/bin/python install --no-deps --no-index --find-links /wheels \
      --root /product previewcloud \
 && /opt/previewcloud/bin/python -m compileall -q --invalidation-mode unchecked-hash -s /product /product \
 && find /product -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

FROM runtime
# Two layers: the first, by far the larger, is the same from version to version while the dependencies are.
COPY --from=dependencies /opt/previewcloud /opt/previewcloud
COPY --from=build /product/opt/previewcloud /opt/previewcloud
# What may be written lies in volumes; the root need not be writable. kopf tells its peers the name of its user.
RUN echo previewcloud:x:10001:10001::/var/lib/previewcloud:/usr/sbin/nologin >> /etc/passwd \
 && echo previewcloud:x:10001: >> /etc/group \
 && install -d -o 10001 -g 10001 -m 0750 /var/cache/previewcloud /var/lib/previewcloud
ENV PATH=/opt/previewcloud/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/var/lib/previewcloud \
    USER=previewcloud \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="PreviewCloud" \
      org.opencontainers.image.description="Preview environments for pull requests" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
WORKDIR /var/lib/previewcloud
USER 10001:10001
STOPSIGNAL SIGTERM
# Kubernetes does not use it: there the chart asks over HTTP.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["python", "-m", "controller.healthcheck"]
# tini hands signals on and takes leave of the children of a git that was ended, which Python would not.
ENTRYPOINT ["tini", "--"]
CMD ["python", "-m", "controller"]
