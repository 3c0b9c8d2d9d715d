import Cloud
import Glibc
import Testing
import Wire

@testable import Node

@Suite("The file of a gateway's tokens")
struct TokenFileTests {
  private func token(_ name: String) -> Token {
    Token.create(name: name, role: .request, now: NodeSamples.now).token
  }

  @Test func fileIsPrivateAndReadAgainAfterAChange() async throws {
    try await Scratch.run { scratch in
      let path = "\(scratch.root)/tokens.json"
      let (reader, writer) = (TokenFile(path: path), TokenFile(path: path))
      #expect(try await reader.table() == TokenTable())
      let (text, token) = Token.create(name: "a", role: .worker, now: Timestamp(0))
      try await writer.change { try $0.add(token) }
      #expect(try await reader.table().bearer(of: text) == token)
      try await writer.change { _ = $0.remove("a") }
      #expect(try await reader.table().bearer(of: text) == nil)
      var status = stat()
      #expect(lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
      try AtomicFile.write(Array("{".utf8), to: path, mode: 0o600)
      await #expect(throws: TokenFile.Failure.self) { try await TokenFile(path: path).table() }
    }
  }

  @Test func changesAtOnceAreAllKept() async throws {
    try await Scratch.run { scratch in
      let path = "\(scratch.root)/tokens.json"
      for number in 0..<20 {
        try await TokenFile(path: path).change { try $0.add(token("old-\(number)")) }
      }
      // As many commands at once: half of them add, half revoke.
      try await withThrowingTaskGroup(of: Void.self) { tasks in
        for number in 0..<20 {
          tasks.addTask {
            try await TokenFile(path: path).change { try $0.add(token("new-\(number)")) }
          }
          tasks.addTask {
            try await TokenFile(path: path).change { _ = $0.remove("old-\(number)") }
          }
        }
        try await tasks.waitForAll()
      }
      let names = try await TokenFile(path: path).table().tokens.map(\.name).sorted()
      #expect(names == (0..<20).map { "new-\($0)" }.sorted(), "a revoked token came back")
    }
  }

  @Test func refusedChangeLeavesTheFileAsItWas() async throws {
    try await Scratch.run { scratch in
      let file = TokenFile(path: "\(scratch.root)/tokens.json")
      try await file.change { try $0.add(token("a")) }
      let before = try await file.table()
      await #expect(throws: TokenTable.Refusal.taken("a")) {
        try await file.change { try $0.add(token("a")) }
      }
      #expect(try await file.table() == before)
    }
  }
}
