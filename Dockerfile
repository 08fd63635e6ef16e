# Base images are named by tag. The update bot adds the digests, and keeps tags and digests current.
ARG SWIFT_IMAGE=docker.io/library/swift:6.3-bookworm
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian13:nonroot

FROM ${SWIFT_IMAGE} AS dependencies
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# zlib is for OTLP's compression. With no shared library to link, the static one goes into the binary: one file is all that runs.
RUN apt-get update \
    && apt-get install --no-install-recommends --yes zlib1g-dev \
    && rm -rf /var/lib/apt/lists/* /usr/lib/*-linux-gnu/libz.so
WORKDIR /src
COPY Package.swift dependencies.lock ./
# SwiftPM's cache keeps the clones and Package.resolved the versions, until one of the two files changes. Transitive packages are pinned
# by the list only, so a build today and one in a year agree or fail.
RUN swift package resolve --scratch-path /tmp/resolve \
    && rm -rf /tmp/resolve \
    && diff <(grep -v '^#' dependencies.lock | cut -d ' ' -f 1,2 | sort) \
        <(sed -nE 's/^ *"(identity|version)" : "(.*)",?$/\2/p' Package.resolved | paste -d ' ' - - | sort)

# `docker build --target test .` runs the unit tests, against the peers that they need.
FROM dependencies AS test
ARG TARGETARCH
COPY Makefile ./
RUN apt-get update \
    && apt-get install --no-install-recommends --yes make \
    && make test-peers \
    && rm -rf /var/lib/apt/lists/*
COPY . .
RUN --mount=type=cache,id=fibonacci-api-debug-${TARGETARCH},target=/src/.build,sharing=locked \
    make test

FROM dependencies AS build
ARG TARGETARCH
COPY . .
RUN --mount=type=cache,id=fibonacci-api-release-${TARGETARCH},target=/src/.build,sharing=locked \
    swift build --configuration release --product fibonacci-api --static-swift-stdlib --force-resolved-versions \
    && install -D --strip .build/release/fibonacci-api /out/fibonacci-api

# Starts the binary on the very libraries that it will have: what lacks one never becomes an image.
FROM ${RUNTIME_IMAGE} AS started
COPY --from=build --chown=0:0 --chmod=0555 /out/fibonacci-api /usr/local/bin/fibonacci-api
RUN ["/usr/local/bin/fibonacci-api", "--version"]

FROM ${RUNTIME_IMAGE} AS runtime
COPY --from=started --chown=0:0 --chmod=0555 /usr/local/bin/fibonacci-api /usr/local/bin/fibonacci-api
WORKDIR /
# By number, so that a cluster can see that it is not root.
USER 65532:65532
EXPOSE 8000 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["/usr/local/bin/fibonacci-api", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/fibonacci-api"]
CMD ["serve"]

# Last, because they differ from build to build.
ARG RUNTIME_IMAGE
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=unknown
ENV FIBONACCI_API_COMMIT=${REVISION}
LABEL org.opencontainers.image.title="fibonacci-api" \
    org.opencontainers.image.description="Answers what F(n) is, exactly, over HTTP" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.created="${CREATED}" \
    org.opencontainers.image.base.name="${RUNTIME_IMAGE}"
