/// A rule that keeps a package from being published.
public enum Refusal: Sendable, Hashable {
  /// emerge.log knows no build of it on this host.
  case notBuiltHere
  /// Its last build here failed.
  case buildFailed
  /// The file is not the one that was installed: made by quickpkg, fetched or copied.
  case notTheInstalledFile
  /// The file is another than the one that was described: it was replaced meanwhile.
  case fileChanged
  /// Its last merge here was of a binary package.
  case mergedAsBinary
  /// Something that the build read changed since it began.
  case inputsChanged(path: String)
  /// What the build read can't be named any more.
  case inputsUnknown
  /// Facts and file differ in this field.
  case factsDiffer(field: String)
  /// RESTRICT has fetch, mirror or bindist.
  case restricted(String)
  /// Its licence does not allow passing it on, as far as the configured groups say.
  case licence(String)
  /// PROPERTIES has live: the same version means other sources every day.
  case live
  /// Built with the owner's own configuration (USE=savedconfig).
  case savedConfiguration
  /// The owner changed the user or group that it creates.
  case accountOverrides([String])
  /// It has kernel modules and is bound to no distribution kernel.
  case kernelModules
  /// Code of this host ran in the build.
  case hooks([String])
  /// It seems to carry secrets.
  case secrets([String])

  /// One line for the user.
  public var message: String {
    switch self {
    case .notBuiltHere: "not built here: emerge.log has no build of it from source"
    case .buildFailed: "its last build here failed"
    case .notTheInstalledFile:
      "not the file that was installed here (quickpkg, fetched or copied): its MD5 differs"
    case .fileChanged: "another file than the one that was described: its size or MD5 differs"
    case .mergedAsBinary: "installed here from a binary package, not built"
    case .inputsChanged(let path): "\(path) changed since the build began"
    case .inputsUnknown: "the ebuild it was built from is gone, so its facts can't be proven"
    case .factsDiffer(let field): "the file and this host's configuration differ in \(field)"
    case .restricted(let token): "RESTRICT=\(token) forbids passing it on"
    case .licence(let name): "licence \(name) is not among the redistributable ones"
    case .live: "a live ebuild: the same version means other sources every day"
    case .savedConfiguration: "built with this host's saved configuration (USE=savedconfig)"
    case .accountOverrides(let names): "this host sets \(names.joined(separator: ", "))"
    case .kernelModules: "kernel modules without a bound distribution kernel"
    case .hooks(let paths): "code of this host ran in the build: \(paths.joined(separator: ", "))"
    case .secrets(let found):
      "may carry secrets: \(found.prefix(8).joined(separator: "; "))"
    }
  }
}
