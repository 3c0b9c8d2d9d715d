import Portage
import Wire

/// The fields of a fingerprint as canonical text, so that two fingerprints can be compared by name.
public struct FingerprintFields: Sendable, Hashable, Codable {
  /// A field that differs.
  public struct Difference: Sendable, Hashable, CustomStringConvertible {
    /// The field.
    public let field: FingerprintField
    /// Its text on the left side.
    public let left: String
    /// Its text on the right side.
    public let right: String

    /// One line: `differs in RDEPEND: "…" here, "…" there`.
    public var description: String {
      "differs in \(field.rawValue): \"\(Self.short(left))\" against \"\(Self.short(right))\""
    }

    private static func short(_ text: String) -> String {
      let line = text.split(separator: "\n").joined(separator: "; ")
      return line.count <= 160 ? line : line.prefix(157) + "…"
    }
  }

  private var values: [FingerprintField: String]

  /// The canonical text of each field; throws where a dependency string or a flag is malformed.
  public init(of facts: PackageFacts) throws(FactsError) {
    let target = facts.target
    var values: [FingerprintField: String] = [
      .category: facts.category, .package: facts.package, .version: facts.version,
      .slot: facts.slot, .subslot: facts.subslot, .repository: facts.repository,
      .eapi: facts.eapi, .chost: facts.chost,
    ]
    values[.abi] = target.abi
    values[.defaultABI] = target.defaultABI
    values[.libdir] = Self.pairs(target.libdirs)
    values[.arch] = target.arch
    values[.elibc] = target.elibc
    values[.kernel] = target.kernel
    values[.eprefix] = target.eprefix
    values[.usr] = target.usr
    values[.use] = try Self.use(facts.use)
    values[.idepend] = try Self.dependencies(facts.depend.idepend, .idepend)
    values[.pdepend] = try Self.dependencies(facts.depend.pdepend, .pdepend)
    values[.rdepend] = try Self.dependencies(facts.depend.rdepend, .rdepend)
    values[.boundDepend] = try Self.boundAtoms(facts.depend.depend)
    values[.distfiles] = Self.distfiles(facts.distfiles)
    values[.local] = Self.local(facts.local)
    self.values = values
  }

  /// The fields of the same package with other flags.
  func with(use flags: [String]) throws(FactsError) -> FingerprintFields {
    var other = self
    other.values[.use] = try Self.use(flags)
    return other
  }

  /// The canonical text of a field.
  public subscript(_ field: FingerprintField) -> String { values[field] ?? "" }

  /// Every field with its text, in order.
  public var all: [(field: FingerprintField, text: String)] {
    FingerprintField.allCases.map { ($0, self[$0]) }
  }

  /// The fields in which `other` differs, in order.
  public func differences(from other: FingerprintFields) -> [Difference] {
    var found: [Difference] = []
    for field in FingerprintField.allCases where self[field] != other[field] {
      found.append(Difference(field: field, left: self[field], right: other[field]))
    }
    return found
  }

  /// The flags of `other` whose state differs here, as they stand there: `-doc`, `nls`.
  public func flags(differingIn other: FingerprintFields) -> [String] {
    let here = Set(self[.use].split(separator: " "))
    return other[.use].split(separator: " ").filter { !here.contains($0) }.map(String.init)
  }

  private static func pairs(_ map: [String: String]) -> String {
    var words: [String] = []
    for (name, value) in map.sorted(by: { precedes($0.key, $1.key) }) {
      words.append("\(name)=\(value)")
    }
    return words.joined(separator: " ")
  }

  private static func use(_ flags: [String]) throws(FactsError) -> String {
    var states: [String: Bool] = [:]
    for flag in flags {
      try Check.flag(flag, "use")
      let isOff = flag.first == "-"
      let name = isOff ? String(flag.dropFirst()) : flag
      if let known = states[name], known == isOff {
        throw .malformed(field: "use", value: "both \(name) and -\(name)")
      }
      states[name] = !isOff
    }
    var words: [String] = []
    for (name, isOn) in states.sorted(by: { Self.precedes($0.key, $1.key) }) {
      words.append(isOn ? name : "-\(name)")
    }
    return words.joined(separator: " ")
  }

  private static func dependencies(
    _ text: String, _ field: FingerprintField
  ) throws(FactsError) -> String {
    LibcPackages.normalize(try Check.dependencies(text, field.rawValue)).description
  }

  private static func boundAtoms(_ text: String) throws(FactsError) -> String {
    let tree = LibcPackages.normalize(try Check.dependencies(text, "DEPEND"))
    let atoms = Set(tree.boundAtoms.filter { $0.blocker == nil }.map(\.description))
    return atoms.sorted(by: precedes).joined(separator: " ")
  }

  private static func distfiles(_ files: [PackageFacts.Distfile]) -> String {
    var lines: [String] = []
    for file in files.sorted(by: { precedes($0.name, $1.name) }) {
      lines.append("\(file.name) \(pairs(file.digests))")
    }
    return lines.joined(separator: "\n")
  }

  private static func local(_ local: PackageFacts.LocalFacts) -> String {
    let settings = local.named.filter { !$0.value.isEmpty }
    guard !settings.isEmpty else { return "" }
    var hash = CanonicalHash(domain: "larder local settings 1")
    for setting in settings {
      hash.append(setting.name)
      hash.append(setting.value)
    }
    return hash.digest().hex
  }

  /// The order of the bytes, which no locale or Unicode version changes.
  private static func precedes(_ left: String, _ right: String) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
  }
}
