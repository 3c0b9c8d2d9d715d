/// Why a call to a gateway failed, in words for people.
public enum GatewayClientError: Error, Sendable, Equatable {
  /// The URL isn't one of http or https.
  case badURL(String)
  /// No answer, after all tries.
  case unreachable(url: String, reason: String)
  /// The token isn't known there.
  case refusedToken(url: String)
  /// The token has another role.
  case otherRole(url: String, message: String)
  /// The lease is over: another worker may hold the job.
  case lost
  /// The gateway checked the uploaded package and refused it.
  case refusedResult(String)
  /// The gateway said no with this status and message.
  case refused(url: String, status: Int, message: String)
  /// The answer isn't what this version understands.
  case unreadable(url: String, String)
}

extension GatewayClientError: CustomStringConvertible {
  /// One line for the user.
  public var description: String {
    switch self {
    case .badURL(let url): "\"\(url)\" is no gateway: its URL begins with https:// or http://"
    case .unreachable(let url, let reason): "gateway \(url) can't be reached: \(reason)"
    case .refusedToken(let url):
      "gateway \(url) refused the token: create one there with `larder cloud token create`"
    case .otherRole(let url, let message):
      "gateway \(url) refused the token: \(message)"
    case .lost: "the lease is over; another worker may hold the job"
    case .refusedResult(let reason): "the gateway refused the result: \(reason)"
    case .refused(let url, let status, let message): "gateway \(url): \(message) (\(status))"
    case .unreadable(let url, let what): "gateway \(url) gave an unreadable answer: \(what)"
    }
  }
}
