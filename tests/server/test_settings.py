import pytest

from ppolab.errors import InvalidSettingError, StorageError
from ppolab.server.settings import ServerSettings


def test_the_home_folder_comes_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("PPOLAB_HOME", str(tmp_path / "here"))
    assert ServerSettings().runs_folder == tmp_path / "here" / "runs"
    monkeypatch.delenv("PPOLAB_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert ServerSettings().home == tmp_path / ".ppolab"


@pytest.mark.parametrize("host", ["192.168.1.5", "example.org"])
def test_grading_without_isolation_is_refused_where_others_can_reach_it(host):
    with pytest.raises(InvalidSettingError, match="run code on this machine"):
        ServerSettings(host=host, unsafe_local=True)
    assert ServerSettings(unsafe_local=True).unsafe_local


def test_listening_everywhere_needs_the_names_by_which_one_may_be_called():
    with pytest.raises(InvalidSettingError, match="allowed_hosts"):
        ServerSettings(host="0.0.0.0")
    assert (
        "lab.example" in ServerSettings(host="0.0.0.0", allowed_hosts=("lab.example",)).host_names
    )


@pytest.mark.parametrize("port", [0, 65536, -1])
def test_a_number_that_is_no_port_is_refused(port):
    with pytest.raises(InvalidSettingError, match=f"port: {port} is not a port"):
        ServerSettings(port=port)


def test_a_home_that_cannot_be_written_names_the_folder_and_the_mend(tmp_path):
    (tmp_path / "file").write_text("in the way")
    home = tmp_path / "file" / "home"
    with pytest.raises(StorageError) as caught:
        ServerSettings(home=home).prepare()
    assert str(home) in str(caught.value)
    assert "PPOLAB_HOME" in caught.value.mend
