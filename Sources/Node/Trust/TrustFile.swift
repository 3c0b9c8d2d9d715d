import Cryptography
import Trust
import Wire

/// The text of `trust.yaml`: who may build what for this host, and which policy decides.
///
/// Each issuer names a minisign public key file of the same directory.
struct TrustFile {
  /// The path, for messages.
  let file: String
  /// Reads a key file of the directory.
  let key: (String) throws -> PublicKey

  /// The trust list in this text.
  func parse(_ text: String) throws(ConfigurationError) -> TrustList {
    var top = try YAMLSection(text: text, file: file)
    var list = TrustList()
    list.version = try top.number("version", 1...(Int.max >> 1)).map(UInt64.init) ?? 1
    list.expires = try time(&top, "expires")
    let defaults = try judging(&top)
    list.flags = defaults.flags ?? list.flags
    list.recipe = defaults.recipe
    list.contentFeatures = defaults.contentFeatures ?? list.contentFeatures
    for var section in try top.sections("issuers") { list.issuers.append(try issuer(&section)) }
    for var section in try top.sections("policies") { list.policies.append(try policy(&section)) }
    try top.finish()
    do throws(TrustListError) {
      try list.validate()
    } catch {
      throw ConfigurationError(file: file, line: 0, column: 0, message: "\(error)")
    }
    return list
  }

  private func issuer(_ section: inout YAMLSection) throws(ConfigurationError) -> Issuer {
    guard let name = try section.string("name") else {
      throw section.error("name", "is missing; call the issuer something, e.g. alice")
    }
    let path = try section.string("key") ?? "\(name).pub"
    let key: PublicKey
    do {
      key = try self.key(path)
    } catch {
      throw section.error("key", "names \(path): \(error)")
    }
    var issuer = Issuer(key: key, name: name)
    issuer.repositories = try section.strings("repositories") ?? []
    issuer.packages = try patterns(&section)
    issuer.architectures = try section.strings("architectures") ?? []
    issuer.from = try time(&section, "from")
    issuer.until = try time(&section, "until")
    issuer.weight = try section.number("weight", 1...1_000) ?? issuer.weight
    issuer.mayBuildSystem = try section.flag("system") ?? issuer.mayBuildSystem
    try section.finish()
    return issuer
  }

  private func policy(_ section: inout YAMLSection) throws(ConfigurationError) -> TrustPolicy {
    let packages = try patterns(&section)
    let hint = "write own, agreeing, one-of or system-issuers"
    let accept = try section.value("accept", hint: hint) { text -> String? in
      ["own", "agreeing", "one-of", "system-issuers"].contains(text) ? text : nil
    }
    let count = try section.number("count", 2...100)
    let issuers = try section.strings("issuers") ?? []
    let rule: TrustPolicy.Rule
    switch accept {
    case "own": rule = .own
    case "agreeing":
      guard let count else {
        throw section.error("count", "is missing; how many builders must agree, e.g. 2?")
      }
      rule = .agreeing(count, of: issuers)
    case "system-issuers": rule = .systemIssuers
    default: rule = .oneOf(issuers)
    }
    let judging = try judging(&section)
    try section.finish()
    return TrustPolicy(
      packages: packages, rule: rule, flags: judging.flags, recipe: judging.recipe,
      contentFeatures: judging.contentFeatures)
  }

  private func patterns(_ section: inout YAMLSection) throws(ConfigurationError) -> [PackagePattern]
  {
    var list: [PackagePattern] = []
    for text in try section.strings("packages") ?? [] {
      guard let pattern = PackagePattern(text) else {
        throw section.error(
          "packages", "holds \"\(text)\"; write CATEGORY/NAME with * allowed, @system or @toolchain"
        )
      }
      list.append(pattern)
    }
    return list
  }

  private func time(
    _ section: inout YAMLSection, _ key: String
  ) throws(ConfigurationError) -> Timestamp? {
    try section.value(key, hint: "give a date, e.g. 2027-01-31 or 2027-01-31T12:00:00Z") {
      Timestamp($0)
    }
  }

  private func judging(
    _ section: inout YAMLSection
  ) throws(ConfigurationError) -> (
    flags: EqualityPolicy?, recipe: RecipePolicy?, contentFeatures: EqualityPolicy?
  ) {
    let equality = "write any or exact"
    return (
      try section.value("flags", hint: equality) { EqualityPolicy(rawValue: $0) },
      try section.value("recipe", hint: "write revision, ebuild or exact") {
        RecipePolicy(rawValue: $0)
      },
      try section.value("content-features", hint: equality) { EqualityPolicy(rawValue: $0) }
    )
  }
}

extension TrustFile {
  /// The text of a trust list, each issuer's key in the file of its name.
  static func print(_ list: TrustList, comment: [String]) -> String {
    var lines = comment + ["version: \(list.version)"]
    if let expires = list.expires { lines.append("expires: \(expires)") }
    if list.flags != .any { lines.append("flags: \(list.flags.rawValue)") }
    if let recipe = list.recipe { lines.append("recipe: \(recipe.rawValue)") }
    if list.contentFeatures != .exact {
      lines.append("content-features: \(list.contentFeatures.rawValue)")
    }
    if !list.issuers.isEmpty { lines.append("issuers:") }
    for issuer in list.issuers {
      lines += ["  - name: \(issuer.name)", "    key: \(issuer.name).pub"]
      lines += words("    repositories", issuer.repositories)
      lines += words("    packages", issuer.packages.map(\.description))
      lines += words("    architectures", issuer.architectures)
      if let from = issuer.from { lines.append("    from: \(from)") }
      if let until = issuer.until { lines.append("    until: \(until)") }
      if issuer.weight != 100 { lines.append("    weight: \(issuer.weight)") }
      if issuer.mayBuildSystem { lines.append("    system: true") }
    }
    if !list.policies.isEmpty { lines.append("policies:") }
    for policy in list.policies {
      lines.append("  - packages: \(quoted(policy.packages.map(\.description)))")
      switch policy.rule {
      case .own: lines.append("    accept: own")
      case .systemIssuers: lines.append("    accept: system-issuers")
      case .oneOf(let names):
        lines.append("    accept: one-of")
        lines += words("    issuers", names)
      case .agreeing(let count, let names):
        lines += ["    accept: agreeing", "    count: \(count)"]
        lines += words("    issuers", names)
      }
      if let flags = policy.flags { lines.append("    flags: \(flags.rawValue)") }
      if let recipe = policy.recipe { lines.append("    recipe: \(recipe.rawValue)") }
      if let features = policy.contentFeatures {
        lines.append("    content-features: \(features.rawValue)")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func words(_ key: String, _ list: [String]) -> [String] {
    list.isEmpty ? [] : ["\(key): \(quoted(list))"]
  }

  private static func quoted(_ list: [String]) -> String {
    "[" + list.map { "\"\($0)\"" }.joined(separator: ", ") + "]"
  }
}
