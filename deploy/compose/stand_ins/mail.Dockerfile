# In place of mailpit, where it cannot be pulled: it shows each mail in its log.
ARG BASE_IMAGE=localhost/uso-base:3.13
FROM ${BASE_IMAGE}
COPY packages/ /opt/packages/
ENV PYTHONPATH=/opt/packages PYTHONUNBUFFERED=1
USER 10001:10001
CMD ["python3", "-m", "aiosmtpd", "-n", "-l", "0.0.0.0:1025"]
