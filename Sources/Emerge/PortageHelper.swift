public import Trust

/// Runs `libexec/larder-portage`, which asks Portage's own resolver, and reads its report.
public struct PortageHelper: Sendable {
  /// How the helper is run.
  public struct Settings: Sendable, Equatable {
    /// Words before the helper, which put it into the host's environment; empty on Gentoo.
    public var prefix: [String] = []
    /// The helper's path.
    public var program: String
    /// How many bytes of its report are read.
    public var reportLimit = HelperReport.longest
    /// How long one run may take.
    public var timeout: Duration = .seconds(300)

    /// The defaults for a helper at this path.
    public init(program: String) {
      self.program = program
    }
  }

  private let settings: Settings

  /// A helper that runs as `settings` say.
  public init(_ settings: Settings) {
    self.settings = settings
  }

  /// What `emerge ARGUMENTS` would merge.
  public func plan(_ arguments: [String]) async throws -> HelperReport {
    try await report(["plan"] + arguments)
  }

  /// What these finished gpkgs of the host are and how they came about; in the order of `files`.
  public func describe(_ files: [String]) async throws -> HelperReport {
    guard !files.isEmpty else { return HelperReport() }
    return try await report(["describe"] + files)
  }

  /// The host's own facts.
  public func host() async throws -> HelperReport {
    try await report(["host"])
  }

  /// The installed packages with their sonames.
  public func installed() async throws -> HelperReport {
    try await report(["installed"])
  }

  /// Why the helper gave no report.
  public enum Failure: Error, Sendable, Equatable {
    /// The helper or a word of the prefix could not be run.
    case notStarted(String)
    /// It took longer than the setting allows and was killed.
    case timedOut(Duration)
    /// It printed more than this many bytes and was killed.
    case tooLong(limit: Int)
    /// Portage said no: the helper's own error.
    case portage(HelperReport.Failure)
    /// It printed something that is no report; with the last lines of its error output.
    case unreadable(String, ExitStatus, [String])
  }

  /// Runs the helper once. Cancelling kills it and changes nothing.
  private func report(_ words: [String]) async throws -> HelperReport {
    let child = ChildProcess(command: settings.prefix + [settings.program] + words)
    let captured: ChildProcess.Captured
    do {
      captured = try await child.capture(limit: settings.reportLimit, within: settings.timeout)
    } catch ChildProcess.Failure.notStarted(let reason) {
      throw Failure.notStarted(reason)
    } catch ChildProcess.Failure.timedOut(let time) {
      throw Failure.timedOut(time)
    } catch ChildProcess.Failure.outputTooLong(let limit) {
      throw Failure.tooLong(limit: limit)
    }
    // What shells and env say of a program that isn't there, or is none: behind a prefix only they know.
    if captured.output.isEmpty, [.exited(126), .exited(127)].contains(captured.status) {
      throw Failure.notStarted(captured.errors.last ?? "\(settings.program) can't be executed")
    }
    let report: HelperReport
    do {
      report = try HelperReport(json: captured.output)
    } catch {
      throw Failure.unreadable(error.description, captured.status, captured.errors)
    }
    if let failure = report.error { throw Failure.portage(failure) }
    guard captured.status.isSuccess else {
      throw Failure.unreadable("it failed without saying why", captured.status, captured.errors)
    }
    return report
  }
}

extension PortageHelper.Failure: CustomStringConvertible {
  /// A message for the user, of one or a few lines.
  public var description: String {
    switch self {
    case .notStarted(let reason):
      "the Portage helper could not be run: \(reason); "
        + "do portage.helper and portage.command-prefix in larder.yaml name programs?"
    case .timedOut(let time):
      "the Portage helper gave no answer within \(time.components.seconds) s and was stopped"
    case .tooLong(let limit): "the Portage helper printed more than \(limit) bytes"
    case .portage(let failure):
      switch failure.kind {
      case "portage-too-old":
        "this Portage can't be asked: \(failure.message). Larder needs Portage 3.0.60 or newer"
      case "resolver": "Portage can't resolve this: \(failure.message)"
      case "bad-arguments": "Portage doesn't take these arguments: \(failure.message)"
      case "repository": "a repository is broken: \(failure.message)"
      default: "Portage failed (\(failure.kind)): \(failure.message)"
      }
    case .unreadable(let reason, let status, let errors):
      (["the Portage helper's answer is unreadable (\(status)): \(reason)"] + errors.suffix(5))
        .joined(separator: "\n  ")
    }
  }
}
