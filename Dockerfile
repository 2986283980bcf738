# The server in a container: the database lies in the volume /data, the process is no root.
FROM node:22-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
# pg is for databases on Postgres.
RUN npm run build && npm prune --omit=dev && npm install --no-save --omit=dev pg@8

FROM node:22-slim
ENV NODE_ENV=production DETHRONE_DB=file:/data/dethrone.db
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY --from=build /build/drizzle ./drizzle
RUN ln -s /app/dist/cli/main.js /usr/local/bin/dethrone && chmod +x dist/cli/main.js \
    && mkdir /data && chown node:node /data
USER node
VOLUME /data
# Where a database is on a server, what it is away for is kept in the folder that the process runs in.
WORKDIR /data
EXPOSE 4700
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["node", "-e", "fetch('http://127.0.0.1:4700/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["dethrone"]
CMD ["serve", "--host", "0.0.0.0"]
