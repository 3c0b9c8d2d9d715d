/// One thing that `larder doctor` looked at.
public struct Finding: Codable, Sendable, Equatable {
  /// How it is.
  public enum State: String, Codable, Sendable {
    /// As it should be.
    case ok
    /// Works, but the owner may want to know.
    case notice
    /// Something will not work.
    case wrong
  }

  /// What was looked at.
  public var subject: String
  /// How it is.
  public var state: State
  /// What was found.
  public var found: String
  /// What to do about it; empty if nothing.
  public var advice: String

  static func ok(_ subject: String, _ found: String) -> Finding {
    Finding(subject: subject, state: .ok, found: found, advice: "")
  }

  static func notice(_ subject: String, _ found: String, do advice: String) -> Finding {
    Finding(subject: subject, state: .notice, found: found, advice: advice)
  }

  static func wrong(_ subject: String, _ found: String, do advice: String) -> Finding {
    Finding(subject: subject, state: .wrong, found: found, advice: advice)
  }
}
