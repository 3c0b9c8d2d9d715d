"""The laboratory from Python: hosts, real emerge and what larder-portage says of them."""

import json
import os
import re
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
HELPER = os.path.join(HERE, "..", "..", "libexec", "larder-portage")
SMALL = {"LARDER_LAB_SLOW_FILES": "3", "LARDER_LAB_BALLAST_MB": "1"}


class LabError(Exception):
    """A command of the laboratory failed; holds the end of what it said."""


class Lab:
    """One laboratory directory with its hosts."""

    def __init__(self, path):
        self.path = os.path.realpath(path)
        self.log = os.path.join(self.path, "lab.log")

    def init(self):
        os.makedirs(self.path, exist_ok=True)
        self.command("init", self.path)
        return self

    def host(self, name, *options):
        self.command("host", self.path, name, *options)
        return Host(self, name)

    def repository(self, name):
        """A copy of the laboratory's ebuild repository that a test may edit."""
        copy = os.path.join(self.path, "repositories", name)
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(os.path.join(self.path, "repository"), copy)
        return copy

    def command(self, *words, check=True, env=None):
        """Runs portage-lab; raises LabError with the end of its output when it fails."""
        command = [os.path.join(HERE, "portage-lab"), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, env={**os.environ, **SMALL, **(env or {})})
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}")
        if check and done.returncode != 0:
            said = (done.stdout + done.stderr)[-2000:]
            raise LabError(f"{' '.join(words)}: status {done.returncode}\n{said}")
        return done


class Host:
    """One pretended Gentoo machine."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.home = os.path.join(lab.path, "hosts", name)
        self.root = os.path.join(self.home, "root")
        self.config = os.path.join(self.home, "etc/portage")
        self.pkgdir = os.path.join(self.home, "binpkgs")

    def run(self, *command, env=None, check=True):
        words = [f"{key}={value}" for key, value in (env or {}).items()]
        return self.lab.command("run", self.lab.path, self.name, *words, "--", *command,
                                check=check)

    def emerge(self, *arguments, env=None, check=True):
        return self.run("emerge", *arguments, env=env, check=check)

    def helper(self, *arguments, env=None):
        """The JSON object that larder-portage prints, errors included."""
        done = self.run(HELPER, *arguments, env=env, check=False)
        return json.loads(done.stdout)

    def plan(self, *arguments, env=None):
        """The packages that emerge would merge, by category/package."""
        answer = self.helper("plan", *arguments, env=env)
        if "error" in answer:
            raise LabError(f"plan {' '.join(arguments)}: {answer['error']}")
        return {name_of(package): alone(answer, package) for package in answer["packages"]}

    def describe(self, *files, env=None):
        """Facts of finished gpkgs (all in PKGDIR when none is named), by category/package."""
        answer = self.helper("describe", *(files or self.gpkgs()), env=env)
        if "error" in answer:
            raise LabError(f"describe: {answer['error']}")
        return {name_of(package): alone(answer, package) for package in answer["packages"]}

    def gpkgs(self, name=""):
        """The gpkg files in PKGDIR whose path below it begins with `name`, oldest first."""
        found = []
        for parent, _, files in os.walk(self.pkgdir):
            found += [os.path.join(parent, file) for file in files if file.endswith(".gpkg.tar")]
        below = [path for path in found if os.path.relpath(path, self.pkgdir).startswith(name)]
        return sorted(below, key=os.path.getmtime)

    def write(self, name, text):
        """Writes a file under etc/portage."""
        path = os.path.join(self.config, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path


def name_of(package):
    return f"{package['category']}/{package['package']}"


def alone(answer, package):
    """The helper's answer as if it had found this package only."""
    return {**answer, "packages": [package]}


def edit(repository, path, pattern, replacement):
    """Replaces the one place in a file of a repository that a pattern matches."""
    full = os.path.join(repository, path)
    with open(full, encoding="utf-8") as file:
        text, count = re.subn(pattern, replacement, file.read(), flags=re.MULTILINE)
    if count != 1:
        raise LabError(f"{path}: {pattern!r} matches {count} times")
    with open(full, "w", encoding="utf-8") as file:
        file.write(text)


# --- a stand-in for the fingerprint, for want of the real one --------------------------------

IDENTITY = ("category", "package", "version", "slot", "subslot", "repository", "eapi", "chost",
            "target", "use", "distfiles", "local")
JUDGED = ("flags", "cpu", "compiler", "content_features", "recipe")


def tree_of(words):
    """Nested lists of a dependency string's words."""
    stack = [[]]
    for word in words:
        if word == "(":
            stack.append([])
        elif word == ")":
            inner = stack.pop()
            stack[-1].append(inner)
        else:
            stack[-1].append(word)
    return stack[0]


def normal_tree(tree, libc, inside_any):
    """Without libc atoms, and without slot bindings inside || ( )."""
    result, after_any = [], False
    for item in tree:
        if isinstance(item, list):
            result.append(normal_tree(item, libc, inside_any or after_any))
        elif re.sub(r"^[<>=~!]*", "", item).startswith(f"{libc}-") or item == libc or \
                item.startswith(f"{libc}:"):
            continue
        elif inside_any or after_any:
            result.append(re.sub(r":[^\[=]*=", ":=", item))
        else:
            result.append(item)
        after_any = item == "||"
    return result


def key_facts(answer):
    """The facts that FINGERPRINT counts as identity, field by field."""
    package = answer["packages"][0]
    libc = (answer["host"]["libc"] or {}).get("package", "sys-libs/glibc")
    facts = {name: package[name] for name in IDENTITY}
    for name in ("IDEPEND", "PDEPEND", "RDEPEND"):
        facts[name] = normal_tree(tree_of(package["depend"][name].split()), libc, False)
    bound = normal_tree(tree_of(package["depend"]["DEPEND"].split()), libc, False)
    facts["DEPEND"] = [word for word in flat(bound) if re.search(r":[^\[]*=", word)]
    return facts


def flat(tree):
    for item in tree:
        if isinstance(item, list):
            yield from flat(item)
        else:
            yield item


def differing(one, other):
    """The names of the key fields and of the judged fields in which two answers differ."""
    first, second = key_facts(one), key_facts(other)
    key = {name for name in first if first[name] != second[name]}
    a, b = one["packages"][0], other["packages"][0]
    return key, {name for name in JUDGED if a[name] != b[name]}
