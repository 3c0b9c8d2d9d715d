import Logging

/// Looks for builds of @world's updates when somebody rings, in the daemon's own time.
///
/// A command only rings: Portage's hook after a sync waits seconds at most, while a plan of @world
/// and its fetches take minutes, and a command that leaves takes its own work with it.
actor Refresher {
  /// What is done; returns a line for the log, or nil if there was nothing to do.
  typealias Work = @Sendable () async throws -> String?

  /// Why the last time failed, for the user.
  private(set) var problem: String?

  private let bell = Doorbell()
  private let logger: Logger
  private let work: Work

  init(logger: Logger, work: @escaping Work) {
    self.logger = logger
    self.work = work
  }

  /// Has the work done soon; rings until it begins count as one, and one while it runs as another.
  nonisolated func ring() {
    bell.ring()
  }

  /// Works at each ring until cancelled; a failure is kept until the next time goes well.
  func run() async throws {
    while true {
      try await bell.wait()
      do {
        let line = try await work()
        problem = nil
        if let line { logger.notice("refreshed", metadata: ["found": "\(line)"]) }
      } catch {
        try Task.checkCancellation()
        problem = "the last refresh of @world failed: \(error)"
        logger.error("refresh failed", metadata: ["reason": "\(error)"])
      }
    }
  }
}

/// What a refresh is: the configured plan of @world, what peers have of it, and what the owner's
/// standing rule has the cloud tier build of the rest.
struct WorldRefresh: Sendable {
  let resolver: Resolver
  let cloud: CloudDesk?
  let settings: Configuration

  /// Plans @world as configured and fetches what peers have, so that it is here before it is wanted.
  func look() async throws -> String? {
    let arguments = settings.portage.refresh
    guard !arguments.isEmpty else { return nil }
    let report = try await resolver.resolve(arguments, until: .fetch) { _ in }
    var line = "\(report.withoutCompiling) of \(report.rows.count) without compiling"
    // Only the owner's standing rule lets the daemon ask for builds by itself.
    guard let cloud, settings.cloud.dailyLimit > 0 else { return line }
    let missing = try await resolver.missing(arguments) { _ in }
    let rows = try await cloud.orderWithinBudget(missing, limit: settings.cloud.dailyLimit)
    if !rows.isEmpty { line += ", \(rows.count) asked of the cloud tier" }
    return line
  }
}
