import Cryptography
import FoundationEssentials
import Glibc
import Testing

@testable import Node

@Suite("Key files")
struct KeyStoreTests {
  private func withStore(_ body: (KeyStore) throws -> Void) throws {
    let paths = Paths(root: "/tmp/larder-keys-\(UInt64.random(in: 0 ... .max))")
    defer { try? FileManager.default.removeItem(atPath: paths.root) }
    try body(KeyStore(paths))
  }

  @Test func generatedKeyIsReadBack() throws {
    try withStore { store in
      let key = try store.generate(.issuer)
      #expect(try store.load(.issuer).publicKey == key.publicKey)
      #expect(try store.issuerKey()?.publicKey == key.publicKey)
    }
  }

  @Test func nodeKeyStaysTheSame() throws {
    try withStore { store in
      let key = try store.nodeKey().publicKey
      #expect(try store.nodeKey().publicKey == key)
    }
  }

  @Test func keyIsNeverReplaced() throws {
    try withStore { store in
      _ = try store.generate(.issuer)
      #expect(throws: KeyStore.KeyError.self) { try store.generate(.issuer) }
    }
  }

  @Test func keyThatOthersMayReadIsRefused() throws {
    try withStore { store in
      _ = try store.generate(.issuer)
      chmod(store.path(.issuer), 0o644)
      #expect(throws: KeyStore.KeyError.self) { try store.load(.issuer) }
    }
  }

  @Test func missingAndBrokenFilesSayWhatToDo() throws {
    try withStore { store in
      #expect(throws: KeyStore.KeyError.self) { try store.load(.issuer) }
      #expect(try store.issuerKey() == nil)
      _ = try store.generate(.issuer)
      try AtomicFile.write(Array("no key".utf8), to: store.path(.issuer), mode: 0o600)
      #expect(throws: KeyStore.KeyError.self) { try store.load(.issuer) }
    }
  }
}
