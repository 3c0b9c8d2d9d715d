/// The bearer token with which this node asks a gateway.
enum CloudToken {
  /// Why there is no token.
  enum Failure: Error, CustomStringConvertible {
    case notConfigured
    case missing(String)

    var description: String {
      switch self {
      case .notConfigured: "a gateway is configured without a token: set token-file in larder.yaml"
      case .missing(let path):
        "\(path): there is no token; its gateway's owner makes one with 'larder cloud token create'"
      }
    }
  }

  /// The first word of the configured file.
  static func read(_ path: String?) throws -> String {
    guard let path else { throw Failure.notConfigured }
    guard let bytes = try AtomicFile.read(path, limit: 4_096) else {
      throw Failure.missing(path)
    }
    let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    guard let token = words.first else { throw Failure.missing(path) }
    return String(token)
  }
}
