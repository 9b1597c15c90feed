# One static program in an empty image; it plays every service, and tells the demonstration.
#
#   docker build -t zhijie .                              compiles in the image
#   docker build -t zhijie --build-arg BINS=prebuilt .    takes dist/zhijie, which .ci/static-build makes
ARG BINS=build

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# --target keeps the flag away from build scripts and macros, which cannot be static.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    host=$(rustc -vV | sed -n 's/^host: //p') && \
    RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --locked --target "$host" && \
    install -D "target/$host/release/zhijie" /dist/zhijie

FROM scratch AS prebuilt
COPY dist/zhijie /dist/zhijie

FROM ${BINS} AS bins

FROM scratch
COPY --from=bins /dist/zhijie /zhijie
# An empty image knows no names of users. After USER, the folder belongs to that user, and so does a fresh volume on it.
USER 65532:65532
WORKDIR /certs
WORKDIR /certs/authority
WORKDIR /data
# There is no /tmp either; the demonstration keeps its stores here.
ENV TMPDIR=/data
EXPOSE 7400
ENTRYPOINT ["/zhijie"]
