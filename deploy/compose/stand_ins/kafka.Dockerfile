# In place of apache/kafka, where it cannot be pulled: the same broker from the packages that `uso up` uses.
ARG BASE_IMAGE=localhost/uso-base:3.13
FROM ${BASE_IMAGE}
COPY java-runtime/ /opt/java/
COPY jars/ /opt/kafka/
COPY kafka.sh /kafka.sh
RUN mkdir -p /var/lib/kafka/data && chown -R 10001:10001 /var/lib/kafka
USER 10001:10001
VOLUME /var/lib/kafka/data
ENTRYPOINT ["sh", "/kafka.sh"]
