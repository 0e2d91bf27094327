# The image holds the program, the certificates that it trusts, and the licences of what
# is in it; there is neither a shell nor anything else to run. .ci/image builds and runs it
# as it is here, so keep an instruction on a line.
FROM golang:1.26.8 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN .ci/licenses --save /licenses
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o gkeaudit ./cmd/gkeaudit

FROM scratch
LABEL org.opencontainers.image.title="gkeaudit"
LABEL org.opencontainers.image.description="Audits the security of GKE clusters"
LABEL org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /licenses /licenses
COPY --from=build /src/LICENSE /src/licenses.csv /licenses/
COPY --from=build /src/gkeaudit /gkeaudit
USER 65532:65532
ENTRYPOINT ["/gkeaudit"]
