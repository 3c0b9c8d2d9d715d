import Glibc

/// What the system calls this machine.
enum Machine {
  /// Its name; `worker` if it has none.
  static var name: String { names.first ?? "worker" }

  /// The name as it is set, and its first part if it has a domain; empty if there is none.
  static var names: [String] {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return [] }
    let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    let name = String(decoding: bytes, as: UTF8.self)
    guard !name.isEmpty else { return [] }
    let short = name.split(separator: ".").first.map(String.init)
    return [name] + [short].compactMap { $0 }.filter { $0 != name }
  }
}
