/// Why a worker's build has no result.
public enum WorkerFailure: Error, Sendable, Equatable {
  /// Portage said no in this phase: the package's fault as far as one can tell.
  case phase(String, ExitStatus)
  /// The package came out differently from the request: what differs.
  case differs([String])
  /// Portage ended well and left this many packages.
  case packages(Int)
  /// It took longer than the worker's limit.
  case tookTooLong(Duration)
  /// The worker itself has a problem.
  case trouble(String)

  /// Whether the request would fare the same elsewhere.
  public var isThePackages: Bool {
    switch self {
    case .phase, .differs, .packages, .tookTooLong: true
    case .trouble: false
    }
  }
}

extension WorkerFailure: CustomStringConvertible {
  /// One line for the asker.
  public var description: String {
    switch self {
    case .phase(let name, let status): "\(name) failed (\(status))"
    case .differs(let fields):
      "the builder can't build exactly this: " + fields.joined(separator: "; ")
    case .packages(let count): "the build left \(count) packages instead of one"
    case .tookTooLong(let time): "the build took longer than \(time.components.seconds) s"
    case .trouble(let reason): "the worker has a problem: \(reason)"
    }
  }
}
