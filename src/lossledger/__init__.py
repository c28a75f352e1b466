"""Who paid when an account fell below zero: liquidations, insurance fund and socialised losses, exactly."""
