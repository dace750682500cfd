"""Everything that moves declarations: Faust app, topics, replay driver, simulator, command line. No detection logic."""
