import Glibc
import Testing
import Trust

@testable import Emerge

@Suite struct PortageHelperTests {
  let scratch: Scratch

  init() throws {
    scratch = try Scratch()
  }

  func helper(
    _ script: String, prefix: [String] = [], limit: Int = 1 << 20, timeout: Duration = .seconds(60)
  ) throws -> PortageHelper {
    let program = try scratch.file("helper", "#!/bin/sh\n\(script)\n", mode: 0o755)
    var settings = PortageHelper.Settings(program: program)
    settings.prefix = prefix
    settings.reportLimit = limit
    settings.timeout = timeout
    return PortageHelper(settings)
  }

  @Test func missingHelperIsToldBeforeItsPath() async throws {
    let shell = try scratch.file("enter", "#!/bin/sh\nexec \"$@\"\n", mode: 0o755)
    let note = try scratch.file("note", "no program", mode: 0o644)
    for (prefix, program) in [
      ([], "/nonexistent/larder-portage"), ([shell], "/nonexistent/larder-portage"),
      ([shell], note),
    ] {
      var settings = PortageHelper.Settings(program: program)
      settings.prefix = prefix
      let failure = await #expect(throws: PortageHelper.Failure.self) {
        try await PortageHelper(settings).host()
      }
      let text = failure?.description ?? ""
      #expect(text.hasPrefix("the Portage helper could not be run: "), "\(text)")
      #expect(text.contains(program), "\(text)")
      #expect(
        text.hasSuffix("do portage.helper and portage.command-prefix in larder.yaml name programs?")
      )
    }
  }

  @Test func reportIsReadAndArgumentsArriveAsTheyAre() async throws {
    let helper = try helper(
      """
      [ "$#" = 3 ] && [ "$1" = plan ] && [ "$2" = "-uDN" ] && [ "$3" = 'a b$(id)' ] || exit 9
      echo chatter >&2
      echo '{"helper":1,"portage":"3.0.83","packages":[]}'
      """)
    let report = try await helper.plan(["-uDN", "a b$(id)"])
    #expect(report.portage == "3.0.83")
  }

  @Test func prefixComesBeforeTheHelper() async throws {
    let helper = try helper(
      #"echo "{\"helper\":1,\"portage\":\"$MARK\"}""#, prefix: ["/usr/bin/env", "MARK=here"])
    #expect(try await helper.host().portage == "here")
  }

  @Test func hangingHelperIsStoppedWithItsChildren() async throws {
    let helper = try helper(
      "sleep 600 & echo $! > \(scratch.path)/pid; wait", timeout: .milliseconds(300))
    await #expect(throws: PortageHelper.Failure.timedOut(.milliseconds(300))) {
      try await helper.host()
    }
    let pid = try #require(scratch.text("pid").flatMap { pid_t($0.dropLast()) })
    #expect(Self.isGone(pid))
  }

  /// Whether a process is no more, or a zombie that nobody has waited for.
  static func isGone(_ pid: pid_t) -> Bool {
    for _ in 0..<200 {
      if kill(pid, 0) != 0 { return true }
      let path = "/proc/\(pid)/stat"
      let descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { return true }
      var bytes = [UInt8](repeating: 0, count: 512)
      let count = read(descriptor, &bytes, bytes.count)
      close(descriptor)
      if String(decoding: bytes[..<max(0, count)], as: UTF8.self).contains(") Z ") { return true }
      usleep(10_000)
    }
    return false
  }

  @Test func endlessOutputIsCutOff() async throws {
    let helper = try helper("exec yes '{}'", limit: 100_000)
    await #expect(throws: PortageHelper.Failure.tooLong(limit: 100_000)) {
      try await helper.installed()
    }
  }

  @Test func endlessErrorsAreReadButNotKept() async throws {
    let helper = try helper(
      "head -c 3000000 /dev/zero | tr '\\0' 'x\\n' >&2; yes warn | head -n 100000 >&2; exit 3")
    let failure = await #expect(throws: PortageHelper.Failure.self) { try await helper.host() }
    guard case .unreadable(_, .exited(3), let errors) = failure else {
      Issue.record("\(String(describing: failure))")
      return
    }
    #expect(errors.count <= 41 && errors.last == "warn")
  }

  @Test func brokenJSONIsNamed() async throws {
    let helper = try helper("echo 'Traceback' >&2; echo '{\"helper\":1,'")
    let failure = await #expect(throws: PortageHelper.Failure.self) { try await helper.host() }
    #expect(failure?.description.contains("Traceback") == true)
    #expect(failure?.description.contains("unreadable") == true)
  }

  @Test func helpersOwnErrorReachesTheUser() async throws {
    let helper = try helper(
      """
      echo '{"helper":1,"error":{"kind":"portage-too-old","message":"no backtrack_depgraph"}}'
      exit 1
      """)
    let failure = await #expect(throws: PortageHelper.Failure.self) { try await helper.plan(["x"]) }
    #expect(
      failure
        == .portage(HelperReport.Failure(kind: "portage-too-old", message: "no backtrack_depgraph"))
    )
    #expect(failure?.description.contains("Larder needs Portage 3.0.60") == true)
  }

  @Test func failureWithoutReasonIsAFailure() async throws {
    let helper = try helper("echo '{\"helper\":1}'; exit 4")
    await #expect(
      throws: PortageHelper.Failure.unreadable("it failed without saying why", .exited(4), [])
    ) { try await helper.host() }
  }

  @Test func missingHelperIsNamed() async throws {
    let helper = PortageHelper(PortageHelper.Settings(program: "/nonexistent/larder-portage"))
    let failure = await #expect(throws: PortageHelper.Failure.self) { try await helper.host() }
    #expect(failure?.description.contains("/nonexistent/larder-portage") == true)
  }

  @Test func cancellingKillsTheHelper() async throws {
    let helper = try helper("echo $$ > \(scratch.path)/pid; exec sleep 600")
    let path = scratch.path
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { _ = try await helper.host() }
      while access(path + "/pid", F_OK) != 0 { try await Task.sleep(for: .milliseconds(5)) }
      group.cancelAll()
      await #expect(throws: (any Error).self) { try await group.next() }
    }
    let pid = try #require(scratch.text("pid").flatMap { pid_t($0.dropLast()) })
    #expect(Self.isGone(pid))
  }

  @Test func longLinesAreCut() {
    var splitter = LineSplitter()
    let bytes = [UInt8](repeating: 0x61, count: 10_000) + Array("\r\nb\n\nc".utf8)
    let lines = bytes.withUnsafeBytes { splitter.append($0) }
    #expect(lines.map(\.utf8.count) == [LineSplitter.longest, 1])
    #expect(splitter.finish() == "c")
    #expect(splitter.finish() == nil)
  }
}
