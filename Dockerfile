# syntax=docker/dockerfile:1

# docs/deploy.md says how to run this image: Chrome's sandbox needs a seccomp profile.
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
ARG TARGETOS TARGETARCH
ARG VERSION=dev
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -mod=readonly -trimpath -ldflags="-s -w -X main.version=$VERSION" -o /out/ebb ./cmd/ebb

FROM debian:bookworm-slim
# Fonts for more scripts: --build-arg FONTS="fonts-liberation fonts-noto-cjk" (91 MB more).
ARG FONTS="fonts-liberation fonts-noto-color-emoji"
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
       ca-certificates tzdata tini chromium-headless-shell $FONTS \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 ebb \
    && useradd --uid 10001 --gid 10001 --create-home --home-dir /var/lib/ebb --shell /usr/sbin/nologin ebb \
    && install -d -o root -g root -m 0755 /etc/ebb/sites
COPY --from=build /out/ebb /usr/local/bin/ebb

# The ELF itself: /usr/bin/chromium-headless-shell is a script that Chrome outlives.
ENV EBB_BROWSER_PATH=/usr/lib/chromium/chromium-headless-shell \
    EBB_SITES=/etc/ebb/sites \
    STATE_DIRECTORY=/var/lib/ebb
USER 10001:10001
WORKDIR /var/lib/ebb
VOLUME /var/lib/ebb
STOPSIGNAL SIGTERM
# tini reaps Chrome's orphans. Without -g it signals the worker alone, which then drains.
ENTRYPOINT ["/usr/bin/tini", "--", "/usr/local/bin/ebb"]
CMD ["run"]
