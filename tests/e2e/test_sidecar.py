"""examples/sidecar: what the files tell wye is understood, and a wye that is started as they start it serves, in little memory."""

import re
import shlex

import pytest
import yaml

from endpoint import wait_until
from wye_process import REPOSITORY

# The servers' kind does not matter here.
pytestmark = pytest.mark.flavor("mariadb")

EXAMPLES = REPOSITORY / "examples" / "sidecar"

IDLE_MAX = 12 << 20  # bytes resident


def of_kubernetes():
    """The objects by their kinds, the pod, and the sidecar's container."""
    objects = {one["kind"]: one for one in yaml.safe_load_all((EXAMPLES / "kubernetes.yaml").read_text())}
    pod = objects["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["initContainers"]
    return objects, pod, container


def variables_of(container):
    return {one["name"]: one["value"] for one in container["env"]}


def of_compose():
    return yaml.safe_load((EXAMPLES / "compose.yaml").read_text())


@pytest.fixture
def sidecar(cluster, tmp_path, wyes):
    """Starts wye with the environment of an example and nothing else; the servers, the ports and the places of files are
    this test's."""
    def start(variables, config=None):
        variables = dict(variables)
        # Wye gives its own ports as options, and options win.
        assert variables["WYE_SERVERS"].startswith("mysql://monitor@")
        variables["WYE_SERVERS"] = "mysql://monitor@" + cluster.primary.address
        (tmp_path / "password").write_text("monitor\n")
        variables["WYE_PASSWORD_FILE"] = str(tmp_path / "password")
        if config:
            (tmp_path / "config.sql").write_text(config)
            variables["WYE_CONFIG"] = str(tmp_path / "config.sql")
        return wyes(replicas=cluster.replicas, env=variables)

    return start


def serve_and_drain(wye):
    with wye.session() as session:
        assert session.value("SELECT name FROM whoami") in ("replica1", "replica2")
    assert wye.get("/healthz")[0] == 200
    wye.finish()


def test_the_pod_serves_with_the_configuration_that_its_configmap_owns(sidecar):
    objects, _, container = of_kubernetes()
    config = objects["ConfigMap"]["data"]["config.sql"]
    wye = sidecar(variables_of(container), config)
    told = dict(re.findall(r"VALUES \('(\w+)', '(\w+)'\)", config))
    assert len(told) == config.count("INSERT")
    for row in wye.console("SELECT name, value FROM settings"):
        assert row["value"] == told.pop(row["name"], row["value"])
    assert not told
    serve_and_drain(wye)


def test_the_composed_one_serves(sidecar):
    serve_and_drain(sidecar(of_compose()["services"]["wye"]["environment"]))


@pytest.mark.heavy
def test_it_rests_in_little_memory(sidecar):
    _, _, container = of_kubernetes()
    wye = sidecar(variables_of(container), "INSERT INTO settings VALUES ('max_lag', '5s');\n")
    wait_until(lambda: wye.resident() < IDLE_MAX, "it rests in %d bytes" % IDLE_MAX)
    wye.finish()


def test_the_pod_is_put_together_rightly(flavor):
    objects, pod, container = of_kubernetes()
    variables = variables_of(container)
    assert container["restartPolicy"] == "Always"  # what makes it a sidecar
    port = {one["name"]: one["containerPort"] for one in container["ports"]}["http"]
    assert variables["WYE_HTTP"] == "0.0.0.0:%d" % port
    for probe, path in (("startupProbe", "/readyz"), ("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")):
        assert container[probe]["httpGet"] == {"path": path, "port": "http"}
    # Each file that the environment names lies in a volume that the pod has, under a name that its source gives it.
    volumes = {one["name"]: one for one in pod["volumes"]}
    mounts = {one["mountPath"]: volumes[one["name"]] for one in container["volumeMounts"]}
    folder, _, name = variables["WYE_CONFIG"].rpartition("/")
    assert mounts[folder]["configMap"]["name"] == objects["ConfigMap"]["metadata"]["name"]
    assert name in objects["ConfigMap"]["data"]
    folder, _, name = variables["WYE_PASSWORD_FILE"].rpartition("/")
    assert mounts[folder]["secret"]["secretName"] == objects["Secret"]["metadata"]["name"]
    assert name in objects["Secret"]["stringData"]
    drain = int(re.search(r"'drain_timeout', '(\d+)s'", objects["ConfigMap"]["data"]["config.sql"]).group(1))
    assert pod["terminationGracePeriodSeconds"] > drain
    assert objects["Deployment"]["spec"]["selector"]["matchLabels"] == (
        objects["Deployment"]["spec"]["template"]["metadata"]["labels"])


def test_the_image_is_made_of_what_is_there(flavor):
    text = re.sub(r"\\\n", " ", (EXAMPLES / "Dockerfile").read_text())
    lines = [line.split(None, 1) for line in text.splitlines() if line and not line.startswith("#")]
    words = [word for word, _ in lines]
    assert words.count("FROM") == 2 and words[-1] == "ENTRYPOINT"
    assert words.index("USER") > max(at for at, word in enumerate(words) if word == "RUN")  # not as root
    commands = " ".join(rest for word, rest in lines if word == "RUN")
    assert set(re.findall(r"--preset (\w+)", commands)) == {"package"}
    assert (REPOSITORY / shlex.split(commands)[0]).exists()
    service = of_compose()["services"]["wye"]
    assert (EXAMPLES / service["build"]["context"] / service["build"]["dockerfile"]).exists()
