public import Cloud

/// The bearer tokens of a gateway; only their hashes are kept.
public struct GatewayTokens: Sendable {
  private let paths: Paths

  /// The tokens of the gateway at `paths`.
  public init(_ paths: Paths) {
    self.paths = paths
  }

  /// Makes a token and returns its text, which is not kept.
  public func create(role: TokenRole, name: String) async throws -> String {
    try AtomicFile.makeDirectory(paths.state)
    let made = Token.create(name: name, role: role, now: WallClock.now)
    try await TokenFile(path: paths.tokens).change { try $0.add(made.token) }
    return made.text
  }

  /// The tokens, oldest first.
  public func list() async throws -> [Token] {
    try await TokenFile(path: paths.tokens).table().tokens
  }

  /// Takes a token back; throws if there is none of that name.
  public func revoke(_ name: String) async throws {
    try AtomicFile.makeDirectory(paths.state)
    try await TokenFile(path: paths.tokens).change { table in
      guard table.remove(name) else { throw RevokeError(name: name) }
    }
  }

  /// There is no token of that name.
  public struct RevokeError: Error, CustomStringConvertible {
    let name: String

    /// What happened and what to do.
    public var description: String {
      "no token is called \(name); 'larder cloud token list' shows them"
    }
  }
}
