public import Trust

/// What a builder is asked to build: the facts of a plan as data, and nothing it would execute.
///
/// Never an ebuild, a patch, a path or a script: the builder takes recipes from its own repository,
/// and every word that it writes into a configuration was checked here first.
public struct BuildRequest: Sendable, Equatable {
  /// The planned package, without what concerns the asking host alone.
  public let facts: PackageFacts
  /// The name of the build.
  public let fingerprint: Fingerprint

  /// The request for these planned facts; throws what no builder takes, naming it.
  public init(_ facts: PackageFacts) throws(Refusal) {
    guard facts.kind == .ebuild else { throw .binary }
    var own = facts
    own.binary = nil
    own.why = nil
    own.gpkg = nil
    own.provenance = nil
    do {
      fingerprint = try Fingerprint(of: own)
    } catch {
      throw .facts(error)
    }
    try Self.check(own)
    self.facts = own
  }

  /// `category/package-version`, checked.
  public var cpv: String { facts.cpv }

  /// Why a request is not taken.
  public enum Refusal: Error, Sendable, Equatable {
    /// Portage already takes a binary of it.
    case binary
    /// The facts are unreadable or out of bounds.
    case facts(FactsError)
    /// A field holds something that its form does not allow; the value is cut to 80 characters.
    case malformed(field: String, value: String)
    /// A flag that is not on the whitelist.
    case flag(String, variable: String)
    /// Something that only the asking host has.
    case local(field: String)
  }
}

extension BuildRequest.Refusal: CustomStringConvertible {
  /// One line for the user.
  public var description: String {
    switch self {
    case .binary: "a binary of it is already accepted"
    case .facts(let error): error.description
    case .malformed(let field, let value): "\(field) is malformed: \"\(value)\""
    case .flag("-march=native", _), .flag("-mtune=native", _), .flag("-mcpu=native", _):
      "\"native\" means another CPU on the builder: name yours instead (gcc -Q --help=target -march=native)"
    case .flag(let flag, let variable):
      "the builder doesn't take the flag \"\(flag)\" in \(variable)"
    case .local(let field): "only this host can build it: \(field) is set"
    }
  }
}

extension BuildRequest: Codable {
  /// Reads the facts and checks them as `init(_:)` does.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    do {
      try self.init(container.decode(PackageFacts.self))
    } catch let refusal as Refusal {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: refusal.description)
    }
  }

  /// Writes the facts.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(facts)
  }
}
