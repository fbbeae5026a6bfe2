"""Builds the services' images with podman or docker: `python -m deploy.images [SERVICE …]`.

Where nothing can be pulled, `--stand-in` makes a base from Debian's packages with mmdebstrap, in place of
`python:3.13-slim`.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

import click

from deploy.local.processes import SERVICES

ROOT = Path(__file__).resolve().parents[1]
STAND_IN = "localhost/uso-base:3.13"
# What the Dockerfile asks of its base: Python with venv, and certificates.
DEBIAN_PACKAGES = "python3,python3-venv,python-is-python3,ca-certificates"
DEBIAN_RELEASE = "trixie"
NEVER_READ = ("doc", "man", "locale")


def engine() -> str:
    """The program that builds and runs images. Raises ClickException where there is none."""
    for name in ("podman", "docker"):
        if found := shutil.which(name):
            return found
    raise click.ClickException("Neither podman nor docker was found: install one of them.")


def make_stand_in() -> None:
    """Makes the base image once. Raises ClickException when mmdebstrap fails, or is not there."""
    if subprocess.run([engine(), "image", "exists", STAND_IN], check=False).returncode == 0:
        return
    with tempfile.TemporaryDirectory() as directory:
        archive = Path(directory) / "base.tar"
        excluded = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in NEVER_READ]
        packages = f"--include={DEBIAN_PACKAGES}"
        _run("mmdebstrap", "--variant=minbase", "--quiet", packages, *excluded, DEBIAN_RELEASE, str(archive))
        _run(engine(), "import", "--change", "ENV LANG=C.UTF-8", str(archive), STAND_IN)


def build(service: str, *, tag: str, base: str | None) -> str:
    """Builds one service's image and returns its name."""
    name = f"localhost/uso-{service}:{tag}"
    arguments = ["--file", "deploy/Dockerfile", "--build-arg", f"SERVICE={service}", "--build-arg", f"VERSION={tag}"]
    if base:
        arguments += ["--build-arg", f"BASE_IMAGE={base}"]
    if engine().endswith("podman"):
        # Its own form of images has no health check, and it looks for no ignore file beside the Dockerfile.
        arguments += ["--format", "docker", "--ignorefile", "deploy/Dockerfile.dockerignore", "--network", "host"]
        # A machine may have a certificate of its own in front of the package registry.
        arguments += ["--volume", "/etc/ssl/certs:/etc/ssl/certs:ro"]
    _run(engine(), "build", "--quiet", *arguments, "--tag", name, ".")
    return name


def _run(*command: str) -> None:
    if not shutil.which(command[0]):
        raise click.ClickException(f"{command[0]} was not found: install it.")
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise click.ClickException(f"This failed: {' '.join(command)}")


@click.command()
@click.argument("services", nargs=-1, type=click.Choice(SERVICES))
@click.option("--tag", default="dev", show_default=True)
@click.option("--base", help="The base image; that of the Dockerfile where it is not given.")
@click.option("--stand-in", is_flag=True, help="Make a base from Debian's packages and take that.")
def main(services: tuple[str, ...], tag: str, base: str | None, stand_in: bool) -> None:
    """Build the images of these services, or of all."""
    if stand_in:
        make_stand_in()
        base = STAND_IN
    for service in services or SERVICES:
        click.echo(build(service, tag=tag, base=base))


if __name__ == "__main__":
    main()
