import Portage

/// What may be published: only what was compiled here, and nothing that can't or mustn't be passed on.
public enum PublishingRules {
  /// Where a package was built.
  public enum Origin: Sendable, Hashable {
    /// By emerge on this host: emerge.log and the installed package are the evidence.
    case host
    /// By this worker in a root of its own, which is evidence enough.
    case worker
  }

  /// What the owner allows.
  public struct Policy: Sendable, Hashable {
    /// The licences, groups expanded, of what may be passed on.
    public var licenses: Set<String>

    /// These licences.
    public init(licenses: Set<String>) {
      self.licenses = licenses
    }

    /// The licences of these groups on a host, `@` before a group's name or not; a name that is no group
    /// counts as a licence.
    public init(groups: [String] = ["BINARY-REDISTRIBUTABLE"], host: HostFacts) {
      licenses = []
      for group in groups {
        let name = group.first == "@" ? String(group.dropFirst()) : group
        if let members = host.licenseGroups[name] {
          licenses.formUnion(members)
        } else if group.first != "@" {
          licenses.insert(name)
        }
      }
    }
  }

  /// Every rule that a package breaks, in the order of `Refusal`; empty if it may be published.
  ///
  /// `facts` are those of `larder-portage describe`, `description` what the file itself says.
  public static func refusals(
    of facts: PackageFacts, description: GpkgDescription, policy: Policy, origin: Origin = .host
  ) -> [Refusal] {
    var secrets = facts.provenance?.secrets ?? []
    for secret in description.secrets where !secrets.contains(where: { $0.hasPrefix(secret) }) {
      secrets.append(secret)
    }
    let binds = description.hasKernelModules && !isBoundToKernel(facts)
    return evidence(facts, origin) + differences(facts, description)
      + refusals(planned: facts, policy: policy)
      + traces(facts, secrets: secrets, hasUnboundModules: binds)
  }

  /// The rules that a package breaks by its description alone, whose file need not be opened then.
  public static func refusals(
    described facts: PackageFacts, policy: Policy, origin: Origin = .host
  ) -> [Refusal] {
    evidence(facts, origin) + refusals(planned: facts, policy: policy)
      + traces(facts, secrets: facts.provenance?.secrets ?? [], hasUnboundModules: false)
  }

  /// The rules that a package breaks whoever builds it, as far as its plan tells: what a build of it
  /// would be refused for afterwards need not be built.
  public static func refusals(planned facts: PackageFacts, policy: Policy) -> [Refusal] {
    var refusals = distribution(facts, policy)
    if words(facts.index["PROPERTIES"]).contains("live") { refusals.append(.live) }
    if facts.provenance?.savedconfig == true || facts.use.contains("savedconfig")
      || words(facts.index["USE"]).contains("savedconfig")
    {
      refusals.append(.savedConfiguration)
    }
    return refusals
  }

  /// Whether this host compiled the file, from what only this host knows.
  private static func evidence(_ facts: PackageFacts, _ origin: Origin) -> [Refusal] {
    if origin == .worker { return [] }
    guard let provenance = facts.provenance, let file = facts.gpkg else { return [.notBuiltHere] }
    var refusals: [Refusal] = []
    switch provenance.built {
    case nil: refusals.append(.notBuiltHere)
    case .some(let build) where build.finished == nil: refusals.append(.buildFailed)
    case .some: break
    }
    if provenance.installedMD5?.lowercased() != file.md5.lowercased() || file.md5.isEmpty {
      refusals.append(.notTheInstalledFile)
    }
    if provenance.mergedAsBinary { refusals.append(.mergedAsBinary) }
    guard let input = provenance.newestInput else { return refusals + [.inputsUnknown] }
    // Whole seconds: what changed in the second in which the build began may have changed after.
    if let build = provenance.built, input.changed >= build.started {
      refusals.append(.inputsChanged(path: input.path))
    }
    return refusals
  }

  /// What this host left in the package that others must not get.
  private static func traces(
    _ facts: PackageFacts, secrets: [String], hasUnboundModules: Bool
  ) -> [Refusal] {
    var refusals: [Refusal] = []
    let overrides = facts.provenance?.accountOverrides ?? []
    if !overrides.isEmpty { refusals.append(.accountOverrides(overrides)) }
    if hasUnboundModules { refusals.append(.kernelModules) }
    let hooks = facts.provenance?.hooks ?? []
    if !hooks.isEmpty { refusals.append(.hooks(hooks)) }
    if !secrets.isEmpty { refusals.append(.secrets(secrets)) }
    return refusals
  }

  private static func differences(
    _ facts: PackageFacts, _ description: GpkgDescription
  ) -> [Refusal] {
    guard let fields = try? FingerprintFields(of: facts) else {
      return [.factsDiffer(field: "form")]
    }
    for difference in fields.differences(from: description.fields)
    where difference.field.isInGpkg {
      return [.factsDiffer(field: difference.field.rawValue)]
    }
    return []
  }

  private static func distribution(_ facts: PackageFacts, _ policy: Policy) -> [Refusal] {
    var refusals: [Refusal] = []
    let restrict = words(facts.index["RESTRICT"])
    for token in ["fetch", "mirror", "bindist"] where restrict.contains(token) {
      refusals.append(.restricted(token))
    }
    let text = facts.index["LICENSE"] ?? ""
    guard let license = LicenseExpression(text) else { return refusals + [.licence(text)] }
    for name in license.objections(allowed: policy.licenses) { refusals.append(.licence(name)) }
    // Only packages that hold nothing of their own go without a licence (PMS 9 §7.2).
    let isEmpty = words(facts.index["LICENSE"]).isEmpty
    if isEmpty, !["virtual", "acct-user", "acct-group"].contains(facts.category) {
      refusals.append(.licence("(none given)"))
    }
    return refusals
  }

  private static let kernels: Set<String> = [
    "sys-kernel/gentoo-kernel", "sys-kernel/gentoo-kernel-bin", "sys-kernel/vanilla-kernel",
    "virtual/dist-kernel",
  ]

  private static func isBoundToKernel(_ facts: PackageFacts) -> Bool {
    if kernels.contains(facts.name) { return true }
    for text in [facts.depend.rdepend, facts.depend.depend] {
      guard let tree = try? DependencyTree(text) else { continue }
      let bound = tree.unboundInChoices.boundAtoms
      if bound.contains(where: { kernels.contains($0.package.description) }) { return true }
    }
    return false
  }

  private static func words(_ text: String?) -> [String] {
    text?.split { $0 == " " || $0 == "\t" || $0 == "\n" }.map(String.init) ?? []
  }
}
