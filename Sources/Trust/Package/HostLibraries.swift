public import Portage

/// The shared libraries that a host has or is about to have, by multilib category.
public struct HostLibraries: Sendable, Hashable {
  /// Their names.
  public private(set) var provided = SonameList()

  /// No libraries.
  public init() {}

  /// The libraries of installed packages; a PROVIDES that can't be read counts for nothing.
  public init(installed: some Sequence<InstalledPackage>) {
    for package in installed { insert(package.provides ?? "") }
  }

  /// Adds a package that is taken in the same plan.
  public mutating func insert(_ description: GpkgDescription) {
    provided.formUnion(description.provides)
  }

  /// Adds the libraries of a PROVIDES text.
  public mutating func insert(_ provides: String) {
    if let list = try? SonameList(provides) { provided.formUnion(list) }
  }
}
