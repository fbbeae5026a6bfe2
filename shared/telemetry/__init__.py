import os

# prometheus_client asks at its import whether the variable is there, and takes an empty one for a folder's name.
if os.environ.get("PROMETHEUS_MULTIPROC_DIR") == "":
    del os.environ["PROMETHEUS_MULTIPROC_DIR"]
