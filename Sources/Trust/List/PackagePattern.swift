import Portage

/// Which packages a scope or a policy means: `*/*`, `dev-lang/*`, `dev-libs/openssl`, `@system`.
public struct PackagePattern: Sendable, Hashable, CustomStringConvertible {
  private enum Form: Sendable, Hashable {
    case glob(category: String, name: String)
    case system
    case toolchain
  }

  private let form: Form
  /// The pattern as it was written.
  public let description: String

  /// Everything.
  public static let all = PackagePattern(form: .glob(category: "*", name: "*"), description: "*/*")
  /// The host's @system set.
  public static let system = PackagePattern(form: .system, description: "@system")
  /// Compilers, linkers and C libraries, as `toolchainPatterns` lists them.
  public static let toolchain = PackagePattern(form: .toolchain, description: "@toolchain")

  /// What `@toolchain` means.
  public static let toolchainPatterns = [
    "sys-devel/gcc", "sys-devel/gcc-config", "sys-devel/binutils", "sys-devel/binutils-config",
    "sys-devel/clang", "sys-devel/lld", "sys-devel/llvm", "sys-devel/mold", "llvm-core/*",
    "llvm-runtimes/*", "sys-libs/glibc", "sys-libs/musl", "sys-libs/libcxx", "dev-lang/go",
    "dev-lang/rust", "dev-lang/rust-bin", "sys-kernel/linux-headers", "sys-apps/portage",
    "app-portage/larder", "cross-*/*",
  ]
  private static let toolchainMembers = toolchainPatterns.compactMap { PackagePattern($0) }

  private init(form: Form, description: String) {
    self.form = form
    self.description = description
  }

  /// The pattern of `category/name` where either half may hold `*`, or of `@system` or `@toolchain`;
  /// nil for anything else.
  public init?(_ text: String) {
    switch text {
    case "@system": self = .system
    case "@toolchain": self = .toolchain
    case "*": self = .all
    default:
      let parts = text.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count == 2, text.utf8.count <= 255,
        parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(Self.isAllowed) })
      else { return nil }
      self.init(
        form: .glob(category: String(parts[0]), name: String(parts[1])), description: text)
    }
  }

  /// Whether the package of this category and name is meant on a host with this @system set.
  public func contains(_ name: String, system: Set<String>) -> Bool {
    switch form {
    case .system: return system.contains(name)
    case .toolchain:
      return Self.toolchainMembers.contains { $0.contains(name, system: system) }
    case .glob(let categoryGlob, let nameGlob):
      let parts = name.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { return false }
      return Glob.matches(categoryGlob, parts[0]) && Glob.matches(nameGlob, parts[1])
    }
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: "*+-_.".utf8.contains(byte)
    }
  }
}

/// Shell patterns with `*` alone.
enum Glob {
  /// Whether `pattern` matches all of `text`, in time proportional to the product of their lengths.
  static func matches(_ pattern: some StringProtocol, _ text: some StringProtocol) -> Bool {
    let pattern = Array(pattern.utf8)
    let text = Array(text.utf8)
    let star = UInt8(ascii: "*")
    var (at, position) = (0, 0)
    var restart: (at: Int, position: Int)?
    while position < text.count {
      if at < pattern.count, pattern[at] == star {
        restart = (at, position)
        at += 1
      } else if at < pattern.count, pattern[at] == text[position] {
        at += 1
        position += 1
      } else if let (starAt, tried) = restart {
        restart = (starAt, tried + 1)
        at = starAt + 1
        position = tried + 1
      } else {
        return false
      }
    }
    return pattern[at...].allSatisfy { $0 == star }
  }
}
