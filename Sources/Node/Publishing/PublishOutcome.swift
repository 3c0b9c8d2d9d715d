import Trust

/// What became of a finished package that might be published.
enum PublishOutcome: Sendable {
  /// Signed, announced and served.
  case published(SignedStatement, cpv: String)
  /// It is published already.
  case known(cpv: String)
  /// The evidence of the build is not complete: emerge has not merged it yet.
  case tooEarly([Refusal])
  /// A rule forbids it.
  case refused(cpv: String, [Refusal])
  /// The file is no package that can be read.
  case unreadable(path: String, reason: String)

  /// Whether others can have it now.
  var isPublished: Bool {
    switch self {
    case .published, .known: true
    case .tooEarly, .refused, .unreadable: false
    }
  }

  /// One line for the user.
  var message: String {
    switch self {
    case .published(let statement, let cpv):
      "\(cpv): published as \(statement.statement.fingerprint)"
    case .known(let cpv): "\(cpv): published already"
    case .tooEarly(let refusals):
      "not yet: " + refusals.map(\.message).joined(separator: "; ")
    case .refused(let cpv, let refusals):
      "\(cpv): not published: " + refusals.map(\.message).joined(separator: "; ")
    case .unreadable(let path, let reason): "\(path): not published: \(reason)"
    }
  }
}
