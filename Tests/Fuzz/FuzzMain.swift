import Glibc

/// The entry of libFuzzer's library without a main of its own.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ one: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// One thing to fuzz: bytes in, nothing out; a trap is a finding.
typealias FuzzTarget = @Sendable ([UInt8]) -> Void

/// Runs a target under libFuzzer: `fuzz TARGET [LIBFUZZER-ARGUMENTS]`; `fuzz --list` names all.
@main
enum FuzzMain {
  static let targets: [String: FuzzTarget] = Decoders.targets.merging(Machines.targets) { one, _ in
    one
  }

  /// Chosen once, before the first run: libFuzzer's callback carries no context.
  static let chosen: FuzzTarget = {
    let name = CommandLine.arguments.dropFirst().first ?? ""
    return targets[name] ?? { _ in }
  }()

  static func main() {
    let arguments = CommandLine.arguments
    if arguments.dropFirst().first == "--list" {
      for name in targets.keys.sorted() { print(name) }
      return
    }
    guard arguments.count > 1, targets[arguments[1]] != nil else {
      print("usage: fuzz --list | fuzz TARGET [LIBFUZZER-ARGUMENTS]")
      exit(2)
    }
    // libFuzzer sees the program's name and its own arguments.
    var words: [UnsafeMutablePointer<CChar>?] = [strdup(arguments[0])]
    for word in arguments.dropFirst(2) { words.append(strdup(word)) }
    var count = Int32(words.count)
    words.append(nil)
    let status = words.withUnsafeMutableBufferPointer { buffer -> Int32 in
      guard var base = buffer.baseAddress else { return 2 }
      return runDriver(&count, &base) { bytes, length in
        FuzzMain.chosen(Array(UnsafeBufferPointer(start: bytes, count: length)))
        return 0
      }
    }
    exit(status)
  }
}
