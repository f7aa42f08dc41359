"""The command line: what it runs, prints and exits with."""

import subprocess
import sys

import pytest

from espalier.cli import main
from espalier.errors import ConstraintError
from espalier.plugins import CommandOffer, PluginHost, use_host
from espalier.testing import fake_source


def greet(name: str = "world"):
    """Say hello."""
    print(f"hello {name}")  # noqa: T201


def fail():
    """Fail with an error of our own."""
    raise ConstraintError("flops: asked for at most 1,\nthe smallest subnet has 2.")


def crash():
    """Fail with somebody else's error."""
    raise RuntimeError("not ours")


class Result:
    """What a run of the command line came to."""

    def __init__(self, status, captured):
        self.status, self.out, self.err = status, captured.out, captured.err


@pytest.fixture
def espalier(capsys, monkeypatch):
    """Run the command line with the plug-ins given, each a name and its commands."""
    monkeypatch.setattr("structlog.configure", lambda **_: None)
    monkeypatch.setitem(sys.modules, "acme_commands", sys.modules[__name__])

    def run(*words, **plugins):
        sources = [make_source(name, commands) for name, commands in plugins.items()]
        with use_host(PluginHost(sources)), pytest.raises(SystemExit) as caught:
            main(words)
        return Result(caught.value.code or 0, capsys.readouterr())

    return run


def make_source(plugin, commands):
    """Return a plug-in that offers commands, name to target."""
    offers = [CommandOffer(n, target, f"Summary of {n}.") for n, target in commands.items()]
    return fake_source(plugin, espalier_commands=lambda: offers)


GREET = {"greet": "acme_commands:greet"}


class TestCommands:
    def test_offered_command_runs(self, espalier):
        """
        A plug-in's function gets its options from the command line.
        """
        result = espalier("greet", "--name", "Ada", acme=GREET)

        assert (0, "hello Ada\n") == (result.status, result.out)

    def test_help_lists_summaries_and_imports_nothing(self, espalier):
        """
        The list of commands shows what can't be imported as well.
        """
        result = espalier("--help", acme={"gone": "no_such_package:gone"})

        assert 0 == result.status
        assert "Summary of gone." in result.out
        assert "List the installed plug-ins" in result.out

    def test_help_of_a_command_is_its_docstring(self, espalier):
        """
        Asking for one command's help imports that command.
        """
        assert "Say hello." in espalier("greet", "--help", acme=GREET).out

    def test_command_that_fails_to_import_is_one_line(self, espalier):
        """
        The message says which distribution to mend.
        """
        result = espalier("gone", acme={"gone": "no_such_package:gone"})

        assert 1 == result.status
        assert 1 == len(result.err.splitlines())
        assert result.err.startswith("PluginError: The plug-in 'acme' of acme 1.0 offers 'gone'")

    def test_built_in_command_is_not_replaced(self, espalier):
        """
        The built-in command runs, reports the clash, and the other has a name of its own.
        """
        commands = {"plugins": "acme_commands:greet"}
        builtin = espalier("plugins", acme=commands)

        assert 1 == builtin.status
        assert "The command 'plugins' is built in" in builtin.out
        assert "hello world\n" == espalier("acme/plugins", acme=commands).out

    def test_clashing_commands_keep_a_name_each(self, espalier):
        """
        Neither plug-in takes the name from the other.
        """
        plugins = {"acme": GREET, "zeta": GREET}

        assert "hello world\n" == espalier("zeta/greet", **plugins).out
        assert 2 == espalier("greet", **plugins).status

    def test_unknown_command(self, espalier):
        """
        The nearest name is suggested.
        """
        result = espalier("plugin")

        assert 2 == result.status
        assert "'plugins'" in result.err


class TestErrors:
    def test_our_error_is_one_line(self, espalier):
        """
        Name and message on the standard error stream, status 1, no traceback.
        """
        result = espalier("fail", acme={"fail": "acme_commands:fail"})

        assert 1 == result.status
        assert "" == result.out
        assert (
            "ConstraintError: flops: asked for at most 1, the smallest subnet has 2.\n"
            == result.err
        )

    @pytest.mark.parametrize(
        ("words", "error"), [(["--debug", "fail"], ConstraintError), (["crash"], RuntimeError)]
    )
    def test_traceback_is_shown(self, espalier, words, error):
        """
        Our errors come through with --debug, faults in a command always.
        """
        with pytest.raises(error):
            espalier(*words, acme={"fail": "acme_commands:fail", "crash": "acme_commands:crash"})


class TestWithoutTyper:
    @pytest.mark.parametrize("package", ["typer", "rich"])
    def test_says_what_to_install(self, package):
        """
        The core installs without the command line's own dependencies.
        """
        code = (
            f"import sys; sys.modules[{package!r}] = None\n"
            "from espalier.cli import main; main(['plugins'])"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )

        assert 2 == done.returncode
        assert (
            f'The command line needs {package}: pip install "espalier-core[cli]"\n' == done.stderr
        )


class TestModule:
    def test_python_m_is_the_same(self):
        """
        ``python -m espalier`` works where no script is on the path.
        """
        done = subprocess.run(
            [sys.executable, "-m", "espalier", "--version"],
            capture_output=True,
            text=True,
            check=False,
        )

        assert (0, "espalier 0.1.0\n") == (done.returncode, done.stdout)

    def test_listing_loads_no_torch(self):
        """
        The command line answers at once as long as no model is involved.
        """
        code = (
            "import sys; from espalier.cli import main\n"
            "try: main(['plugins'])\n"
            "except SystemExit: sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )

        assert (0, "") == (done.returncode, done.stderr)
