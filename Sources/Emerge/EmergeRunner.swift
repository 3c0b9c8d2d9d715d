/// Runs the unmodified `emerge` on this process's terminal.
public struct EmergeRunner: Sendable {
  private let prefix: [String]

  /// A runner with these words before `emerge`; none on Gentoo.
  public init(prefix: [String] = []) {
    self.prefix = prefix
  }

  /// Runs `emerge --getbinpkg ARGUMENTS` and returns how it ended; throws
  /// `PortageHelper.Failure.notStarted` if it can't be run.
  ///
  /// Cancelling asks emerge to stop and kills it after ten seconds.
  public func install(_ arguments: [String]) async throws -> ExitStatus {
    try await run(["--getbinpkg"] + arguments)
  }

  /// Runs `emerge ARGUMENTS` as it is.
  public func run(_ arguments: [String]) async throws -> ExitStatus {
    do {
      return try await ChildProcess(command: prefix + ["emerge"] + arguments).runInForeground()
    } catch ChildProcess.Failure.notStarted(let reason) {
      throw PortageHelper.Failure.notStarted(reason)
    }
  }
}
