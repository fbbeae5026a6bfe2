# In place of mongo, where it cannot be pulled: the server from the package that `uso up` uses.
ARG BASE_IMAGE=localhost/uso-base:3.13
FROM ${BASE_IMAGE}
RUN apt-get update && apt-get install -y --no-install-recommends libcurl4t64 && rm -rf /var/lib/apt/lists/*
COPY mongod /usr/local/bin/mongod
RUN mkdir -p /data/db && chown -R 999:999 /data/db
VOLUME /data/db
CMD ["mongod"]
