import ArgumentParser
import Node

/// The words behind `larder plan|emerge|fetch|request`: Larder's own options first, then emerge's.
///
/// emerge has options of its own that may stand anywhere, so these commands take all words as they
/// are and pick out what is Larder's, up to a `--`.
struct EmergeArguments {
  private(set) var emerge: [String] = []
  private(set) var root: String?
  private(set) var json = false
  private(set) var build = false
  private(set) var wait = false
  private(set) var background = false

  /// Sorts the words; an unknown word is emerge's.
  init(_ words: [String], for command: any ParsableCommand.Type) throws {
    var rest = words[...]
    while let word = rest.popFirst() {
      switch word {
      case "--":
        emerge += rest
        rest = []
      case "--root":
        guard let value = rest.popFirst() else {
          throw ValidationError("'--root' needs a directory, e.g. --root /srv/larder")
        }
        root = value
      case "--json": json = true
      case "--build": build = true
      case "--wait": wait = true
      case "--background": background = true
      case "-h", "--help": throw CleanExit.helpRequest(command)
      default:
        if word.hasPrefix("--root=") {
          root = String(word.dropFirst("--root=".count))
        } else {
          emerge.append(word)
        }
      }
    }
    guard !emerge.isEmpty else {
      throw ValidationError("name what to install, e.g. app-misc/hello or -uDN @world")
    }
  }

  /// The paths of the node that is meant.
  var paths: Paths { Paths(root: root ?? Program.environment("LARDER_ROOT") ?? "") }

  /// The client of its daemon.
  var control: ControlClient { ControlClient(path: paths.controlSocket) }
}
