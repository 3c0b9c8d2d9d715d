import ArgumentParser
import Node
import Testing

@testable import larder

@Suite("The command line")
struct CommandLineTests {
  private func error(_ words: String...) -> (any Error)? {
    do {
      _ = try Larder.parseAsRoot(words)
      return nil
    } catch {
      return error
    }
  }

  /// Every command with its full name, groups of commands included.
  private func commands(
    _ type: any ParsableCommand.Type = Larder.self, _ name: String = "larder"
  ) -> [(name: String, type: any ParsableCommand.Type)] {
    type.configuration.subcommands.reduce(into: [(name, type)]) { list, next in
      list += commands(next, "\(name) \(next._commandName)")
    }
  }

  @Test func wordsThatMakeNoSenseEndWithTwo() throws {
    for words in [["--bogus"], ["trust", "add"], ["frobnicate"], ["status", "--jsonn"]] {
      #expect(throws: (any Error).self) { try Larder.parseAsRoot(words) }
      do {
        _ = try Larder.parseAsRoot(words)
      } catch {
        #expect(Larder.status(of: error) == 2, "\(words)")
      }
    }
    #expect(Larder.status(of: ValidationError("no")) == 2)
  }

  @Test func failuresEndWithOneAndHelpWithNothing() throws {
    #expect(Larder.status(of: ControlClient.ClientError.noDaemon(path: "/x")) == 1)
    #expect(Larder.status(of: ExitCode.failure) == 1)
    #expect(Larder.status(of: CleanExit.helpRequest()) == 0)
    #expect(Larder.status(of: try #require(error("--version"))) == 0)
  }

  @Test func everyCommandSaysWhatItDoesAndShowsAnExample() {
    let all = commands()
    #expect(all.count > 20)
    for (name, type) in all {
      #expect(!type.configuration.abstract.isEmpty, "\(name)")
      let isGroup = !type.configuration.subcommands.isEmpty
      if !isGroup {
        #expect(type.configuration.discussion.contains("Example"), "\(name) has no example")
        #expect(type.configuration.discussion.contains(name), "\(name)'s example is another's")
      }
      #expect(type.helpMessage().contains(type.configuration.abstract.prefix(20)), "\(name)")
    }
  }

  @Test func textFromOutsideCannotRewriteTheTerminal() {
    #expect(printable("a\u{1B}[2Jb\rc\u{7F}\u{9B}") == "a?[2Jb?c??")
    #expect(printable("left\u{202E}right\u{2066}\u{200F}") == "left?right??")
    #expect(printable("é\n\tß") == "é\n\tß")
  }

  @Test func columnsAreAsWideAsTheirWidestCell() {
    #expect(table([["a", "bb", "c"], ["ddd", "e", "f"]]) == "a    bb  c\nddd  e   f\n")
    #expect(table([]) == "")
  }
}
