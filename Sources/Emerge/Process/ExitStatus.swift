/// How a program ended.
public enum ExitStatus: Sendable, Equatable, CustomStringConvertible {
  /// It exited with this code.
  case exited(Int32)
  /// A signal of this number ended it.
  case signaled(Int32)

  /// Whether it exited with 0.
  public var isSuccess: Bool { self == .exited(0) }

  /// In words: `exit status 1`, `signal 9`.
  public var description: String {
    switch self {
    case .exited(let code): "exit status \(code)"
    case .signaled(let signal): "signal \(signal)"
    }
  }
}
