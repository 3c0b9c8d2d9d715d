import Wire

/// Why the gateway doesn't do what was asked; each is one HTTP status and one message.
enum GatewayRefusal: Error, Equatable, Sendable {
  case malformed(String)
  case unknownToken
  case otherRole(TokenRole)
  case unknown(String)
  case lost(String)
  case busy
  case tooLarge(String)
  case tooManyCalls(Duration)
  case tooManyOpen(Int)
  case tooManyStreams(Int)
  case refusedResult(String)
  case failed(String)

  /// The HTTP status.
  var status: Int {
    switch self {
    case .malformed: 400
    case .unknownToken: 401
    case .otherRole: 403
    case .unknown: 404
    case .lost, .busy: 409
    case .tooLarge: 413
    case .refusedResult: 422
    case .tooManyCalls, .tooManyOpen, .tooManyStreams: 429
    case .failed: 500
    }
  }

  /// The name that programs go by.
  var kind: String {
    switch self {
    case .malformed: "malformed"
    case .unknownToken: "unknown-token"
    case .otherRole: "other-role"
    case .unknown: "unknown"
    case .lost: "lost"
    case .busy: "busy"
    case .tooLarge: "too-large"
    case .tooManyCalls: "too-many-calls"
    case .tooManyOpen: "too-many-open"
    case .tooManyStreams: "too-many-streams"
    case .refusedResult: "refused-result"
    case .failed: "failed"
    }
  }

  /// One line for people.
  var message: String {
    switch self {
    case .malformed(let reason): reason
    case .unknownToken: "no such token"
    case .otherRole(let needed): "this needs a token of the role \(needed.rawValue)"
    case .unknown(let what): "there is no \(what)"
    case .lost(let reason): reason
    case .busy: "the result is being checked already"
    case .tooLarge(let reason): reason
    case .tooManyCalls(let wait): "too many calls; wait \(max(1, wait.components.seconds)) s"
    case .tooManyOpen(let limit): "this token waits for \(limit) packages already"
    case .tooManyStreams(let limit): "this token has \(limit) event streams open already"
    case .refusedResult(let reason): reason
    case .failed(let reason): reason
    }
  }
}
