# The bases are pinned by digest: a bot that pins is pinned. scripts/check-container gives others.
ARG RUST=docker.io/library/rust:1.97.0-slim-bookworm@sha256:6d220bf85c74e842a79da63997af8d2e74455c0b8847d8bb3a5888572334991d
ARG DEBIAN=docker.io/library/debian:bookworm-slim@sha256:96e378d7e6531ac9a15ad505478fcc2e69f371b10f5cdf87857c4b8188404716

FROM ${RUST} AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
ARG PROFILE=release
# The program's path is the profile's.
ARG BUILT=target/release/imagebot
RUN cargo build --profile "$PROFILE" --locked --bin imagebot && install -D "$BUILT" /out/imagebot

FROM ${DEBIAN}
# git moves the content; without CA certificates no registry can be asked over https.
# The logs and caches of the installation differ from build to build, and nothing reads them.
RUN apt-get update && apt-get install -y --no-install-recommends git ca-certificates \
    && useradd --system --uid 10001 --create-home --home-dir /var/lib/imagebot imagebot \
    && install -d -m 0700 -o imagebot -g imagebot /var/cache/imagebot \
    && rm -rf /var/lib/apt/lists/* /var/log/* /var/cache/apt /var/cache/debconf /var/cache/ldconfig
COPY --from=build /out/imagebot /usr/local/bin/imagebot

# What imagebot remembers between passes: without a volume, every min_age begins again.
ENV XDG_CACHE_HOME=/var/cache
VOLUME /var/cache/imagebot

# The commit and its repository show which Dockerfile made this image: `imagebot freshness` reads them.
ARG REVISION
ARG SOURCE
ARG VERSION
LABEL org.opencontainers.image.title="imagebot" \
      org.opencontainers.image.description="Keeps families of container images up to date across git repositories" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.version="${VERSION}"

USER 10001:10001
WORKDIR /var/lib/imagebot
ENTRYPOINT ["imagebot"]
CMD ["run", "--config", "/etc/imagebot/config.toml"]
