public import Cryptography
public import Wire

/// A build statement with its issuer's signature over the exact bytes.
public struct SignedStatement: Sendable, Hashable {
  /// Which of an issuer's statements replace each other.
  public struct Slot: Sendable, Hashable {
    /// The fingerprint.
    public let fingerprint: Fingerprint
    /// Who says it.
    public let issuer: PublicKey
    /// About which file.
    public let root: ContentRoot
  }

  /// What is said.
  public let statement: BuildStatement
  /// The signed envelope.
  public let record: SignedRecord

  /// Who says it.
  public var issuer: PublicKey { record.signer }
  /// The bytes to send and to store; nobody encodes them anew.
  public var encoded: [UInt8] { record.encoded }
  /// What this statement is the only live one of.
  public var slot: Slot {
    Slot(fingerprint: statement.fingerprint, issuer: issuer, root: statement.root)
  }

  /// Signs a statement; throws if a field has not its form or the record is over `Limits.record`.
  public static func sign(
    _ statement: BuildStatement, with key: SigningKey
  ) throws(StatementError) -> SignedStatement {
    if let field = statement.judged.unencodableField { throw .malformed(field: field) }
    let body = statement.encodedBody
    let decoded = try BuildStatement(body: body)
    guard decoded == statement else { throw .malformed(field: "statement") }
    do {
      let record = try SignedRecord(signing: body, kind: .buildStatement, with: key)
      return SignedStatement(statement: statement, record: record)
    } catch {
      throw .record(error)
    }
  }

  private init(statement: BuildStatement, record: SignedRecord) {
    self.statement = statement
    self.record = record
  }

  /// The statement in these bytes: signature and forms are checked, times are not.
  public init(verifying bytes: [UInt8]) throws(StatementError) {
    do {
      record = try SignedRecord(verifying: bytes)
    } catch {
      throw .record(error)
    }
    guard record.kind == .buildStatement else { throw .wrongKind }
    statement = try BuildStatement(body: record.body)
  }

  /// The statement in these bytes, valid at `now`.
  public init(verifying bytes: [UInt8], now: Timestamp) throws(StatementError) {
    try self.init(verifying: bytes)
    if let problem = problem(at: now) { throw problem }
  }

  /// What is wrong with the statement's times at `now`, or nil.
  public func problem(at now: Timestamp) -> StatementError? {
    if statement.created > now + Limits.clockSkew { return .futureDated(statement.created) }
    let life = statement.expires - statement.created
    if life > Limits.statementLife { return .lifeTooLong(life.components.seconds) }
    if statement.expires <= now { return .expired(statement.expires) }
    return nil
  }

  /// Whether this takes the place of another statement in the same slot: the higher sequence does, then
  /// the later end.
  public func supersedes(_ other: SignedStatement) -> Bool {
    guard slot == other.slot else { return false }
    let (mine, theirs) = (statement, other.statement)
    if mine.sequence != theirs.sequence { return mine.sequence > theirs.sequence }
    return mine.expires > theirs.expires
  }

  /// The live statement of each slot, in the order of first appearance.
  ///
  /// Of two with one sequence and end the first stays.
  public static func live(among statements: some Sequence<SignedStatement>) -> [SignedStatement] {
    var order: [Slot] = []
    var best: [Slot: SignedStatement] = [:]
    for statement in statements {
      let slot = statement.slot
      if let known = best[slot] {
        if statement.supersedes(known) { best[slot] = statement }
      } else {
        best[slot] = statement
        order.append(slot)
      }
    }
    return order.compactMap { best[$0] }
  }
}
