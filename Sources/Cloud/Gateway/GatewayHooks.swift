public import Builder
public import Wire

/// What a gateway leaves to the node around it.
public struct GatewayHooks: Sendable {
  /// The tokens as they are now.
  public var tokens: @Sendable () async throws -> TokenTable
  /// Why this node does not want to build a request (policy, licences), in one line; nil if it does.
  public var admit: @Sendable (BuildRequest) async -> String?
  /// Checks an uploaded gpkg against the stated facts of its build, stores it as a blob, signs those
  /// facts and announces it. That they are what was asked for was checked before.
  ///
  /// The file may be moved away. Throws `ResultRefused` if the package is not what was asked for;
  /// any other error leaves the job to be completed again.
  public var accept: @Sendable (_ path: String, FinishedBuild) async throws -> AcceptedBuild
  /// The time.
  public var now: @Sendable () -> Timestamp

  /// Hooks of these closures.
  public init(
    tokens: @escaping @Sendable () async throws -> TokenTable,
    admit: @escaping @Sendable (BuildRequest) async -> String? = { _ in nil },
    accept: @escaping @Sendable (_ path: String, FinishedBuild) async throws -> AcceptedBuild,
    now: @escaping @Sendable () -> Timestamp
  ) {
    self.tokens = tokens
    self.admit = admit
    self.accept = accept
    self.now = now
  }
}

/// A build that was checked, stored and signed.
public struct AcceptedBuild: Sendable, Equatable {
  /// The encoded signed statement.
  public var statement: [UInt8]
  /// The content root of the gpkg.
  public var root: Bytes32
  /// Its size in bytes.
  public var size: UInt64
  /// When the statement expires.
  public var expires: Timestamp

  /// A build of these parts.
  public init(statement: [UInt8], root: Bytes32, size: UInt64, expires: Timestamp) {
    self.statement = statement
    self.root = root
    self.size = size
    self.expires = expires
  }
}

/// The uploaded package is not what was asked for.
public struct ResultRefused: Error, Sendable, Equatable {
  /// Why, naming the field.
  public let reason: String

  /// A refusal for this reason.
  public init(_ reason: String) {
    self.reason = reason
  }
}
