import boto3
import botocore.session
import pytest
from local_s3 import LocalS3
from moto.server import ThreadedMotoServer

from labkit.flowlogs import compiled_lines

REGION = "us-east-1"


@pytest.fixture(scope="session")
def moto_url():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def connect(tmp_path_factory):
    """Make sessions whose own profile names an endpoint, as `aws.connect` does."""

    def make(url):
        config = tmp_path_factory.mktemp("aws") / "config"
        config.write_text(f"[profile lab]\nregion = {REGION}\nendpoint_url = {url}\n")
        core = botocore.session.Session(profile="lab")
        core.set_config_variable("config_file", str(config))
        core.set_credentials("an-access-key", "a-secret-key")
        return boto3.Session(botocore_session=core)

    return make


@pytest.fixture(scope="session")
def aws(moto_url, connect):
    return connect(moto_url)


@pytest.fixture
def bucket(aws, request):
    """An empty bucket with a name of its own."""
    name = f"flow-logs-{abs(hash(request.node.nodeid)):x}"
    aws.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture(params=["by Arrow", "compiled"])
def each_parser(request, monkeypatch):
    """Parse clean lines by the one parser and by the other, however few they are."""
    monkeypatch.setattr(compiled_lines, "LEAST_BYTES", 0)
    if request.param == "compiled":
        pytest.importorskip("numba", reason="it has no wheels for this machine")
        assert compiled_lines.load()
    else:
        monkeypatch.setattr(compiled_lines._loader, "parser", None)


@pytest.fixture
def local_s3():
    """A server of S3 that can be told to fail."""
    server = LocalS3()
    yield server
    server.close()


@pytest.fixture
def local_aws(local_s3, connect):
    return connect(local_s3.url)
