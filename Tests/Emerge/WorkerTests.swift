import Builder
import FoundationEssentials
import Glibc
import Logging
import TestSupport
import Testing
import Trust
import Wire

@testable import Emerge

/// The worker with a script in Portage's place; with real Portage it runs in Tests/EndToEnd.
@Suite(.timeLimit(.minutes(1))) struct WorkerTests {
  let scratch: Scratch

  init() throws {
    scratch = try Scratch()
    for place in ["work", "template/usr", "config/etc/portage/package.use"] {
      try scratch.directory(place)
    }
    try scratch.file("template/usr/marker", "x")
    try scratch.file("config/etc/portage/make.conf", "CHOST=\"x\"\n")
    try scratch.file("config/etc/portage/package.env", "old line\n")
  }

  var host: HostFacts {
    var host = HostFacts(cpu: .init(features: ["sse2"]))
    host.configRoot = scratch.path + "/config"
    host.distdir = "/var/cache/distfiles"
    host.repositories = [.init(name: "larder-lab", location: "/srv/lab")]
    return host
  }

  /// Settings whose prefix notes each call and then runs `script` with `$job` set.
  func settings(_ script: String) throws -> WorkerSettings {
    let program = try scratch.file(
      "lab",
      """
      #!/bin/sh
      echo "$@" >> \(scratch.path)/calls
      for word in "$@"; do case $word in PORTAGE_CONFIGROOT=*) job=${word#*=};; esac; done
      \(script)
      """, mode: 0o755)
    var settings = WorkerSettings(
      helper: "/opt/larder-portage", work: scratch.path + "/work",
      template: scratch.path + "/template")
    settings.prefix = [program, "/srv/lab-directory"]
    return settings
  }

  let good = """
    case "$*" in
    *--buildpkgonly*)
      mkdir -p $job/binpkgs/app-lab/hello
      echo gpkg > $job/binpkgs/app-lab/hello/hello-1.0-1.gpkg.tar
      cp -r $job/etc/portage $job/../../seen; ls $job/root/usr
      echo compiling;;
    *describe*) cat $job/../../report;;
    esac
    """

  func report(_ facts: PackageFacts) throws {
    let text = try JSONEncoder().encode(HelperReport(packages: [facts]))
    try scratch.file("report", String(decoding: text, as: UTF8.self))
  }

  func job(_ facts: PackageFacts = RequestFixture.facts()) throws -> LeasedJob {
    let request = try BuildRequest(facts)
    let lease = Lease(
      fingerprint: request.fingerprint, fence: 1, worker: "w", until: Timestamp(0))
    return LeasedJob(lease: lease, request: request, heartbeatSeconds: 1)
  }

  func work(_ settings: WorkerSettings, _ client: ScriptedLeaseClient) async throws {
    var log = Logger(label: "test")
    log.logLevel = .critical
    let worker = Worker(name: "w", client: client, settings: settings, host: host, log: log)
    try await worker.work(on: job())
  }

  var leftovers: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: scratch.path + "/work")) ?? ["?"]
  }

  @Test func buildIsFetchedBuiltComparedAndDelivered() async throws {
    var built = RequestFixture.facts(cflags: "-O2 -pipe -fno-plt")
    built.compiler.version = "15.1.0"
    try report(built)
    let client = ScriptedLeaseClient()
    try await work(try settings(good), client)
    #expect(await client.built == [built], "what is delivered are the facts of this build")
    let calls = await client.calls
    #expect(calls.count == 2 && calls.last == .complete)
    guard case .upload(let path)? = calls.first else { return }
    #expect(path.hasSuffix("/binpkgs/app-lab/hello/hello-1.0-1.gpkg.tar"))
    let lines = await client.lines
    #expect(lines.contains("compiling") && lines.contains("marker"))
    #expect(leftovers.isEmpty)
  }

  @Test func onlyTheFetchPhaseHasANetwork() async throws {
    try report(RequestFixture.facts())
    try await work(try settings(good), ScriptedLeaseClient())
    let all = (scratch.text("calls") ?? "").split(separator: "\n")
    let calls = all.filter { $0.contains("PORTAGE_CONFIGROOT=") }
    #expect(calls.count == 4)
    #expect(calls.filter { !$0.contains("--unshare-net") }.count == 1)
    #expect(calls.first?.contains("emerge --fetchonly") == true)
    #expect(calls.allSatisfy { $0.contains("bwrap --ro-bind / /") })
    #expect(calls.allSatisfy { $0.contains("--tmpfs /root") && $0.contains("--die-with-parent") })
    let binds = "--ro-bind-try /srv/lab /srv/lab"
    #expect(calls.allSatisfy { $0.contains(binds) && $0.contains("/srv/lab-directory") })
  }

  /// What a build's own code tries, in real bubblewrap; each line says what came of it.
  @Test(.enabled(if: geteuid() == 0 && access("/usr/bin/bwrap", X_OK) == 0))
  func hostileBuildStaysInItsSandbox() async throws {
    try scratch.directory("job")
    let job = scratch.path + "/job"
    try scratch.directory("secrets")
    let token = try scratch.file("secrets/worker.token", "a secret")
    var settings = WorkerSettings(
      helper: "/opt/larder-portage", work: scratch.path, template: "/none")
    settings.bubblewrap = "/usr/bin/bwrap"
    settings.visible = [scratch.path]
    settings.masked = [token]
    setenv("LARDER_TEST_SECRET", "in the environment", 1)
    let sandbox = BuildSandbox(settings: settings, host: host, directory: job)
    let tries = """
      exec 2>/dev/null
      cd \(job)
      mount -o remount,rw,bind / && echo "remounted"
      mount -t tmpfs none /mnt && echo "mounted"
      touch /usr/bin/larder-was-here && echo "wrote the system"
      for file in sys/kernel/core_pattern sys/kernel/modprobe sysrq-trigger; do
        [ ! -w /proc/$file ] || echo "could write $file"
      done
      mknod disk b 8 0 && echo "made a device"
      kill -0 \(getpid()) && echo "saw the worker"
      cat \(token) /etc/shadow
      env | grep LARDER_TEST
      sed 1,2d /proc/net/dev | grep -v '^ *lo:' && echo "has a network"
      touch mine && chown 250:250 mine && chmod 4755 mine && echo "installs"
      """
    let child = ChildProcess(
      command: sandbox.command(["/bin/bash", "-c", tries]),
      keptVariables: BuildSandbox.keptVariables)
    let seen = try await child.capture(limit: 100_000, within: .seconds(30))
    #expect(String(decoding: seen.output, as: UTF8.self) == "installs\n")
  }

  @Test func portagesPythonIsVisibleWhereItWouldBeHidden() async throws {
    let settings = try settings("echo /root/venv; echo /usr")
    let places = await BuildSandbox.interpreterPlaces(settings)
    #expect(places == ["/root/venv", "/usr"])
    var sandbox = BuildSandbox(settings: settings, host: host, directory: "/job")
    sandbox.interpreter = places
    let words = sandbox.command(["true"]).joined(separator: " ")
    #expect(words.contains("--ro-bind-try /root/venv /root/venv"))
    #expect(!words.contains("--ro-bind-try /usr /usr"))
  }

  @Test func configurationSaysExactlyWhatWasAsked() async throws {
    try report(RequestFixture.facts())
    try await work(try settings(good), ScriptedLeaseClient())
    let atom = "=app-lab/hello-1.0::larder-lab"
    #expect(scratch.text("seen/package.use/zz-larder") == "\(atom) -debug nls\n")
    #expect(scratch.text("seen/package.env") == "old line\n\n\(atom) larder-request\n")
    let environment = scratch.text("seen/env/larder-request") ?? ""
    #expect(environment.contains("CFLAGS=\"-O2 -pipe\"\n"))
    #expect(environment.contains("-splitdebug"))
    #expect(scratch.text("seen/make.conf")?.hasPrefix("CHOST=\"x\"\n") == true)
  }

  @Test func boundSlotsAndUseOfDependenciesAreConfigured() throws {
    var facts = RequestFixture.facts()
    facts.depend.depend = ">=dev-lab/libcask-1.0:0/1= || ( a/b:0/2= c/d:0/3= )"
    facts.depend.rdepend = "dev-lab/libcask:0/1= app-lab/x[nls,-debug(+)] !a/blocked:0/9="
    let configuration = BuildConfiguration(try BuildRequest(facts))
    #expect(configuration.bound == ["dev-lab/libcask:0/1"])
    let use = configuration.files["package.use/zz-larder"] ?? ""
    #expect(use.hasPrefix("app-lab/x nls -debug\n"))
    let keywords = configuration.files["package.accept_keywords/zz-larder"] ?? ""
    #expect(keywords.contains("dev-lab/libcask:0/1 ~amd64\n"))
  }

  @Test func otherResultIsToldWithItsField() async throws {
    var other = RequestFixture.facts()
    other.use = ["-debug", "-nls"]
    try report(other)
    let client = ScriptedLeaseClient()
    try await work(try settings(good), client)
    guard case .fail(let message)? = await client.calls.first else {
      Issue.record("not failed")
      return
    }
    #expect(message.contains("nls"))
    #expect(leftovers.isEmpty)
  }

  @Test func failingPhaseFailsTheJobWithItsLines() async throws {
    let client = ScriptedLeaseClient()
    try await work(
      try settings("case \"$*\" in *--buildpkgonly*) echo 'x.c: error' >&2; exit 1;; esac"), client)
    #expect(await client.calls == [.fail("building failed (exit status 1)")])
    #expect(await client.lines.contains("x.c: error"))
    #expect(leftovers.isEmpty)
  }

  @Test func packageThatIsNotThereIsAFailure() async throws {
    let client = ScriptedLeaseClient()
    try await work(try settings("true"), client)
    #expect(await client.calls == [.fail("the build left 0 packages instead of one")])
  }

  @Test func workersOwnTroubleGivesTheJobBack() async throws {
    var settings = try settings("true")
    settings.template = "/nonexistent/template"
    let client = ScriptedLeaseClient()
    await #expect(throws: WorkerFailure.self) { try await work(settings, client) }
    #expect(await client.calls == [.release])
    settings.template = scratch.path + "/template"
    settings.prefix = ["/nonexistent/lab"]
    await #expect(throws: WorkerFailure.self) { try await work(settings, client) }
    #expect(await client.calls == [.release, .release])
  }

  @Test(arguments: [WorkerOrder.cancel, .lost])
  func orderToStopKillsTheBuild(order: WorkerOrder) async throws {
    let client = ScriptedLeaseClient(order: order)
    try await work(try settings("echo $$ > \(scratch.path)/pid; exec sleep 600"), client)
    #expect(await client.calls == (order == .cancel ? [.fail("cancelled")] : []))
    let pid = try #require(scratch.text("pid").flatMap { pid_t($0.dropLast()) })
    #expect(PortageHelperTests.isGone(pid))
    #expect(leftovers.isEmpty)
  }

  @Test func tooSlowBuildIsKilled() async throws {
    var settings = try settings("exec sleep 600")
    settings.timeout = .milliseconds(200)
    let client = ScriptedLeaseClient()
    try await work(settings, client)
    #expect(await client.calls == [.fail("the build took longer than 0 s")])
  }

  @Test func torrentOfLinesIsThinned() async {
    let buffer = LineBuffer()
    for number in 0..<1_000 { await buffer.add("\(number)") }
    let lines = await buffer.take()
    #expect(lines.count == BuildLog.linesPerHeartbeat)
    #expect(lines.first == "larder: 801 lines left out" && lines.last == "999")
    #expect(await buffer.take().isEmpty)
  }
}
